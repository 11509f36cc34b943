package io.github.ggml4j.generation;

import io.github.ggml4j.tokenizer.Tokenizer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

/**
 * Finds stop strings, as Hugging Face's {@code StopStringCriteria}. It searches the bytes of the
 * text, so a stop string may begin or end within a token or span several. A match must include
 * bytes of the last token; one that lies in the prompt is ignored. Special tokens match by their
 * names, although they are left out of the text.
 */
final class StopStrings {
  private final byte[][] strings;
  private final int longest;
  private final Tokenizer tokenizer;

  StopStrings(List<String> strings, Tokenizer tokenizer) {
    this.strings =
        strings.stream().map(s -> s.getBytes(StandardCharsets.UTF_8)).toArray(byte[][]::new);
    this.longest = Arrays.stream(this.strings).mapToInt(s -> s.length).max().orElse(0);
    this.tokenizer = tokenizer;
  }

  private byte[] bytes(int token) {
    return tokenizer.bytes(token, false);
  }

  /**
   * Looks for a stop string that ends in the last token.
   *
   * @return number of bytes from the beginning of the first match to the end, or -1 without a match
   */
  int find(int[] tokens, int length) {
    if (longest == 0) {
      return -1;
    }
    byte[] last = bytes(tokens[length - 1]);
    byte[] tail = tail(tokens, length - 1, last);
    int found = -1;
    for (byte[] string : strings) {
      int first = Math.max(0, tail.length - last.length - string.length + 1);
      for (int at = first; at + string.length <= tail.length; at++) {
        if (Arrays.equals(tail, at, at + string.length, string, 0, string.length)) {
          found = Math.max(found, tail.length - at);
          break;
        }
      }
    }
    return found;
  }

  /** The bytes of the last token, after as many earlier bytes as a match can include. */
  private byte[] tail(int[] tokens, int end, byte[] last) {
    byte[] tail = new byte[longest - 1 + last.length];
    int at = longest - 1;
    System.arraycopy(last, 0, tail, at, last.length);
    for (int i = end - 1; i >= 0 && at > 0; i--) {
      byte[] bytes = bytes(tokens[i]);
      int count = Math.min(at, bytes.length);
      at -= count;
      System.arraycopy(bytes, bytes.length - count, tail, at, count);
    }
    return Arrays.copyOfRange(tail, at, tail.length);
  }

  /** The number of bytes of a match that are in the text, which excludes special tokens. */
  int textBytes(int[] tokens, int length, int found) {
    int inText = 0;
    for (int i = length - 1; i >= 0 && found > 0; i--) {
      int count = Math.min(found, bytes(tokens[i]).length);
      inText += Math.min(count, tokenizer.bytes(tokens[i], true).length);
      found -= count;
    }
    return inText;
  }

  /** The last bytes of a prompt that can belong to a match. */
  byte[] promptTail(int[] prompt) {
    return longest == 0 ? new byte[0] : tail(prompt, prompt.length, new byte[0]);
  }

  /** The number of trailing bytes that may be the beginning of a stop string. */
  int undecided(byte[] bytes, int length) {
    int most = 0;
    for (byte[] string : strings) {
      for (int n = Math.min(string.length - 1, length); n > most; n--) {
        if (Arrays.equals(bytes, length - n, length, string, 0, n)) {
          most = n;
          break;
        }
      }
    }
    return most;
  }
}
