package io.github.ggml4j.tokenizer;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.BitSet;
import java.util.List;
import java.util.Objects;

/**
 * GPT-2's vocabulary, computed from its merges: ids 0 to 255 are the single bytes, id 256 + r is
 * the result of the merge of rank r, and the last id is {@code <|endoftext|>}.
 */
final class Gpt2Vocabulary {
  static final String END_OF_TEXT = "<|endoftext|>";
  static final Tokenizer TOKENIZER = new Tokenizer(load());

  private Gpt2Vocabulary() {}

  private static TokenizerModel load() {
    byte[] pairs;
    try (InputStream in =
        Objects.requireNonNull(Gpt2Vocabulary.class.getResourceAsStream("gpt2-merges.bin"))) {
      pairs = in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    int merges = pairs.length / 4;
    byte[][] tokens = new byte[256 + merges + 1][];
    int[] byteIds = new int[256];
    for (int id = 0; id < 256; id++) {
      byte b = ByteLevel.byteOfId(id);
      tokens[id] = new byte[] {b};
      byteIds[b & 0xff] = id;
    }
    MergeTable table = new MergeTable(merges);
    int[] lefts = new int[merges];
    int[] rights = new int[merges];
    for (int rank = 0; rank < merges; rank++) {
      int left = uint16(pairs, 4 * rank);
      int right = uint16(pairs, 4 * rank + 2);
      lefts[rank] = left;
      rights[rank] = right;
      int id = 256 + rank;
      byte[] token = new byte[tokens[left].length + tokens[right].length];
      System.arraycopy(tokens[left], 0, token, 0, tokens[left].length);
      System.arraycopy(tokens[right], 0, token, tokens[left].length, tokens[right].length);
      tokens[id] = token;
      table.put(left, right, rank, id);
    }
    int end = 256 + merges;
    tokens[end] = ByteLevel.bytes(END_OF_TEXT);
    return new TokenizerModel(
        tokens,
        null,
        lefts,
        rights,
        new Bpe(byteIds, table, -1, false, null),
        List.of(AddedToken.special(end, END_OF_TEXT)),
        end,
        end,
        -1,
        new BitSet(),
        new TokenizerSettings());
  }

  private static int uint16(byte[] bytes, int at) {
    return (bytes[at] & 0xff) | (bytes[at + 1] & 0xff) << 8;
  }
}
