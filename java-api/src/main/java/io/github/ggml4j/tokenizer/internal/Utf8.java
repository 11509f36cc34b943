package io.github.ggml4j.tokenizer.internal;

/**
 * UTF-8 to text as Rust and Python do it: each longest piece that could have begun a character
 * becomes one U+FFFD. Java's own decoder counts encoded surrogates differently.
 */
public final class Utf8 {
  private Utf8() {}

  /**
   * Appends the text of {@code bytes[start, end)}.
   *
   * @param last whether nothing follows, so that an incomplete character is an error
   * @return the index up to which bytes were read: all but an incomplete character
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

  /** How many bytes follow a first one; 0 when it can be none. */
  private static int following(int first) {
    if (first < 0xc2 || first > 0xf4) {
      return 0;
    }
    return first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
  }
}
