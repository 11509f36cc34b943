package io.github.ggml4j.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * GPT-2's map between bytes and the printable characters that spell them in vocabularies: {@code
 * bytes_to_unicode} of <a
 * href="https://github.com/openai/gpt-2/blob/master/src/encoder.py">encoder.py</a>.
 */
final class ByteLevel {
  private static final char[] CHARACTERS = new char[256];
  private static final short[] BYTES = new short[512];

  /** The bytes in the order of GPT-2's first 256 ids. */
  private static final byte[] BY_ID = new byte[256];

  static {
    Arrays.fill(BYTES, (short) -1);
    int printable = 0;
    for (int b = 0; b < 256; b++) {
      if (isPrintable(b)) {
        put(printable++, b, (char) b);
      }
    }
    for (int b = 0, next = 0; b < 256; b++) {
      if (!isPrintable(b)) {
        put(printable + next, b, (char) (256 + next));
        next++;
      }
    }
  }

  private ByteLevel() {}

  private static boolean isPrintable(int b) {
    return (b >= '!' && b <= '~') || (b >= 0xa1 && b <= 0xac) || b >= 0xae;
  }

  private static void put(int id, int b, char c) {
    CHARACTERS[b] = c;
    BYTES[c] = (short) b;
    BY_ID[id] = (byte) b;
  }

  /** The byte of an id below 256 in GPT-2's vocabulary. */
  static byte byteOfId(int id) {
    return BY_ID[id];
  }

  /** The character that spells a byte, 0 to 255. */
  static char character(int b) {
    return CHARACTERS[b];
  }

  /** The byte that a character spells, or -1. */
  static int byteOf(char c) {
    return c < BYTES.length ? BYTES[c] : -1;
  }

  /** The spelling of bytes. */
  static String spell(byte[] bytes) {
    char[] spelled = new char[bytes.length];
    for (int i = 0; i < bytes.length; i++) {
      spelled[i] = CHARACTERS[bytes[i] & 0xff];
    }
    return new String(spelled);
  }

  /**
   * The bytes that a token spells; its UTF-8 if one of its characters spells no byte, as in Hugging
   * Face's {@code ByteLevel} decoder.
   */
  static byte[] bytes(String token) {
    byte[] bytes = new byte[token.length()];
    for (int i = 0; i < bytes.length; i++) {
      int b = byteOf(token.charAt(i));
      if (b < 0) {
        return token.getBytes(StandardCharsets.UTF_8);
      }
      bytes[i] = (byte) b;
    }
    return bytes;
  }
}
