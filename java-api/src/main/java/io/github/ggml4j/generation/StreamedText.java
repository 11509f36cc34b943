package io.github.ggml4j.generation;

import io.github.ggml4j.tokenizer.internal.Utf8;
import java.util.Arrays;

/**
 * The text of a sequence as it grows: whole characters only, and nothing that a stop string may
 * still take away. What is no UTF-8 becomes U+FFFD, as in Hugging Face's decoding.
 */
final class TextPieces {
  private final TokenText text;

  /** The stop strings that are cut off the text, perhaps none. */
  private final StopStrings cut;

  private byte[] pending;
  private int size;

  /** How many of the pending bytes are the prompt's: looked at for stop strings, never returned. */
  private int skip;

  /**
   * The text after a prompt.
   *
   * @param cut the stop strings that are cut off the text
   */
  TextPieces(TokenText text, StopStrings cut, int[] prompt) {
    this.text = text;
    this.cut = cut;
    byte[] tail = cut.promptTail(prompt);
    pending = Arrays.copyOf(tail, tail.length + 64);
    size = tail.length;
    skip = tail.length;
  }

  /** Adds a token; returns the text that is certain now. */
  String add(int token) {
    append(token);
    return take(size - cut.undecided(pending, size), false);
  }

  /**
   * Adds the last token.
   *
   * @param drop bytes to leave out at the end
   * @return the rest of the text
   */
  String finish(int token, int drop) {
    append(token);
    return take(Math.max(0, size - drop), true);
  }

  private void append(int token) {
    if (text.isSpecial(token)) {
      return;
    }
    byte[] bytes = text.bytes(token);
    if (size + bytes.length > pending.length) {
      pending = Arrays.copyOf(pending, 2 * (size + bytes.length));
    }
    System.arraycopy(bytes, 0, pending, size, bytes.length);
    size += bytes.length;
  }

  private String take(int count, boolean last) {
    int start = Math.min(skip, count);
    skip -= start;
    var out = new StringBuilder(count - start);
    int used = Utf8.decode(pending, start, count, last, out);
    System.arraycopy(pending, used, pending, 0, size - used);
    size -= used;
    return out.toString();
  }
}
