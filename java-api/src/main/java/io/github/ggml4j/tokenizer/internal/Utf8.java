package io.github.ggml4j.tokenizer.internal;

/**
 * Lenient UTF-8 with the replacement rules of Rust and Python: when decoding, each maximal prefix
 * of a character that is not completed becomes one U+FFFD. Java's decoder replaces encoded
 * surrogates differently. {@link io.github.ggml4j.internal.StrictUtf8} reports malformed input
 * instead.
 */
public final class Utf8 {
  private Utf8() {}

  /** The number of bytes of a character. */
  public static int length(int codePoint) {
    return codePoint < 0x80 ? 1 : codePoint < 0x800 ? 2 : codePoint <= 0xffff ? 3 : 4;
  }

  /**
   * Encodes a part of a text; an unpaired surrogate becomes U+FFFD.
   *
   * @param out has space for 3 bytes for each {@code char}
   * @return the number of bytes
   */
  public static int encode(String text, int start, int end, byte[] out) {
    int n = 0;
    for (int i = start; i < end; i++) {
      int c = text.charAt(i);
      if (c < 0x80) {
        out[n++] = (byte) c;
        continue;
      }
      if (c < 0x800) {
        out[n++] = (byte) (0xc0 | c >> 6);
        out[n++] = (byte) (0x80 | (c & 0x3f));
        continue;
      }
      if (Character.isSurrogate((char) c)) {
        c = text.codePointAt(i);
        if (c <= 0xffff) {
          c = 0xfffd;
        } else {
          i++;
          out[n++] = (byte) (0xf0 | c >> 18);
          out[n++] = (byte) (0x80 | (c >> 12 & 0x3f));
          out[n++] = (byte) (0x80 | (c >> 6 & 0x3f));
          out[n++] = (byte) (0x80 | (c & 0x3f));
          continue;
        }
      }
      out[n++] = (byte) (0xe0 | c >> 12);
      out[n++] = (byte) (0x80 | (c >> 6 & 0x3f));
      out[n++] = (byte) (0x80 | (c & 0x3f));
    }
    return n;
  }

  /**
   * Decodes {@code bytes[start, end)}.
   *
   * @param last whether no more bytes follow; then an incomplete character becomes U+FFFD
   * @return the number of bytes decoded plus {@code start}: all but an incomplete character
   */
  public static int decode(byte[] bytes, int start, int end, boolean last, StringBuilder out) {
    int i = start;
    while (i < end) {
      int first = bytes[i];
      if (first >= 0) {
        out.append((char) first);
        i++;
        continue;
      }
      first &= 0xff;
      int more = following(first);
      int codePoint = first & (0x3f >> more);
      int lowest = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
      int highest = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
      int next = i + 1;
      int left = more;
      while (left > 0 && next < end) {
        int b = bytes[next] & 0xff;
        if (b < lowest || b > highest) {
          break;
        }
        codePoint = codePoint << 6 | (b & 0x3f);
        lowest = 0x80;
        highest = 0xbf;
        next++;
        left--;
      }
      if (left > 0 && next == end && !last) {
        return i;
      }
      out.appendCodePoint(left > 0 || more == 0 ? 0xfffd : codePoint);
      i = next;
    }
    return end;
  }

  /** The number of bytes that follow a first byte; 0 if it cannot be a first byte. */
  private static int following(int first) {
    if (first < 0xc2 || first > 0xf4) {
      return 0;
    }
    return first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
  }
}
