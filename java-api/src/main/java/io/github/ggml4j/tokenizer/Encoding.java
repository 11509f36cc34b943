package io.github.ggml4j.tokenizer;

import java.util.Arrays;
import java.util.List;

/**
 * An encoded text: ids with offsets in the text.
 *
 * <p>Offsets are those of Hugging Face, counted in UTF-16 units as {@code text.substring(start(i),
 * end(i))} needs them. A token that is a part of a character has the offsets of the whole
 * character. Padding and added special tokens have the offsets 0 and 0. Immutable.
 */
public final class Encoding {
  private final int[] ids;
  private final int[] starts;
  private final int[] ends;

  /** Whether each token is padding or an added special token. */
  private final boolean[] foreign;

  /** Number of padding tokens on the left. */
  private final int paddedLeft;

  /** Number of padding tokens on the right. */
  private final int paddedRight;

  Encoding(
      int[] ids, int[] starts, int[] ends, boolean[] foreign, int paddedLeft, int paddedRight) {
    this.ids = ids;
    this.starts = starts;
    this.ends = ends;
    this.foreign = foreign;
    this.paddedLeft = paddedLeft;
    this.paddedRight = paddedRight;
  }

  /** The number of tokens, including padding. */
  public int length() {
    return ids.length;
  }

  /** A copy of the ids. */
  public int[] ids() {
    return ids.clone();
  }

  /** 1 for each token and 0 for padding. */
  public int[] attentionMask() {
    int[] mask = new int[ids.length];
    Arrays.fill(mask, paddedLeft, ids.length - paddedRight, 1);
    return mask;
  }

  /** 1 for padding and added special tokens, 0 for tokens of the text. */
  public int[] specialTokensMask() {
    int[] mask = new int[ids.length];
    for (int i = 0; i < mask.length; i++) {
      mask[i] = foreign[i] ? 1 : 0;
    }
    return mask;
  }

  /** The index in the text of the first character of a token. */
  public int start(int token) {
    return starts[token];
  }

  /** The index in the text after the last character of a token. */
  public int end(int token) {
    return ends[token];
  }

  /** The ids. */
  @Override
  public String toString() {
    return "Encoding" + Arrays.toString(ids);
  }

  Encoding truncated(int length, EncodeOptions.Side side) {
    if (ids.length <= length) {
      return this;
    }
    int from = side == EncodeOptions.Side.LEFT ? ids.length - length : 0;
    return slice(from, from + length, 0, 0, 0);
  }

  /** Adds ids before and after the tokens. */
  Encoding surrounded(List<Integer> before, List<Integer> after) {
    if (before.isEmpty() && after.isEmpty()) {
      return this;
    }
    Encoding wider = slice(0, ids.length, before.size(), after.size(), 0);
    for (int i = 0; i < before.size(); i++) {
      wider.ids[i] = before.get(i);
    }
    for (int i = 0; i < after.size(); i++) {
      wider.ids[before.size() + ids.length + i] = after.get(i);
    }
    return new Encoding(wider.ids, wider.starts, wider.ends, wider.foreign, 0, 0);
  }

  Encoding padded(int length, EncodeOptions.Side side, int padId) {
    int missing = length - ids.length;
    if (missing <= 0) {
      return this;
    }
    return side == EncodeOptions.Side.LEFT
        ? slice(0, ids.length, missing, 0, padId)
        : slice(0, ids.length, 0, missing, padId);
  }

  private Encoding slice(int from, int to, int left, int right, int padId) {
    int length = left + to - from + right;
    int[] newIds = new int[length];
    int[] newStarts = new int[length];
    int[] newEnds = new int[length];
    boolean[] newForeign = new boolean[length];
    Arrays.fill(newIds, padId);
    Arrays.fill(newForeign, true);
    System.arraycopy(ids, from, newIds, left, to - from);
    System.arraycopy(starts, from, newStarts, left, to - from);
    System.arraycopy(ends, from, newEnds, left, to - from);
    System.arraycopy(foreign, from, newForeign, left, to - from);
    return new Encoding(newIds, newStarts, newEnds, newForeign, left, right);
  }
}
