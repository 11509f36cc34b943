package io.github.ggml4j.generation;

import io.github.ggml4j.tokenizer.Tokenizer;
import io.github.ggml4j.tokenizer.internal.Utf8;
import java.util.Arrays;

/**
 * Decodes a sequence token by token. Returns whole characters only, and holds back bytes that may
 * be the beginning of a trimmed stop string. Invalid UTF-8 becomes U+FFFD, as in Hugging Face's
 * decoding.
 */
final class StreamedText {
  private final Tokenizer tokenizer;
  private final StopStrings trimmed;

  /** Bytes that were not returned yet. */
  private byte[] pending;

  private int size;

  /** Number of pending bytes that belong to the prompt: they are matched but never returned. */
  private int promptBytes;

  /**
   * Starts after a prompt.
   *
   * @param trimmed the stop strings that are cut off the text, perhaps none
   */
  StreamedText(Tokenizer tokenizer, StopStrings trimmed, int[] prompt) {
    this.tokenizer = tokenizer;
    this.trimmed = trimmed;
    byte[] tail = trimmed.promptTail(prompt);
    pending = Arrays.copyOf(tail, tail.length + 64);
    size = tail.length;
    promptBytes = tail.length;
  }

  /** Adds a token; returns the text that cannot change any more. */
  String add(int token) {
    append(token);
    return take(size - trimmed.undecided(pending, size), false);
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
    byte[] bytes = tokenizer.bytes(token, true);
    if (size + bytes.length > pending.length) {
      pending = Arrays.copyOf(pending, 2 * (size + bytes.length));
    }
    System.arraycopy(bytes, 0, pending, size, bytes.length);
    size += bytes.length;
  }

  private String take(int count, boolean last) {
    int start = Math.min(promptBytes, count);
    promptBytes -= start;
    var out = new StringBuilder(count - start);
    int used = Utf8.decode(pending, start, count, last, out);
    System.arraycopy(pending, used, pending, 0, size - used);
    size -= used;
    return out.toString();
  }
}
