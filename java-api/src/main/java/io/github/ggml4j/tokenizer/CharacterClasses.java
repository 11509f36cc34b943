package io.github.ggml4j.tokenizer;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Objects;

/**
 * Letters, numbers and white space as Hugging Face's tokenizers define them. The table is part of
 * this library, so that ids do not depend on the Unicode version of the Java runtime.
 */
final class CharacterClasses {
  /** {@code \p{L}} when text is split into words. */
  static final int LETTER = 1;

  /** {@code \p{N}} when text is split into words. */
  static final int NUMBER = 2;

  /** {@code \s} when text is split into words. */
  static final int SPACE = 4;

  /** {@code \w} next to an added token. */
  static final int WORD = 8;

  /** {@code \s} next to an added token. */
  static final int STRIPPED = 16;

  /** A digit of the pre-tokenizer {@code Digits}. */
  static final int DIGIT = 32;

  /** The three classes by which text is split into words. */
  static final int SPLIT = LETTER | NUMBER | SPACE;

  private static final byte[] CLASSES = load();

  private CharacterClasses() {}

  /** The classes of a code point as a set of bits. */
  static int of(int codePoint) {
    return CLASSES[codePoint];
  }

  /** The code point at an index; U+FFFD for an unpaired surrogate. */
  static int codePointAt(String text, int index) {
    char c = text.charAt(index);
    if (!Character.isSurrogate(c)) {
      return c;
    }
    if (Character.isHighSurrogate(c) && index + 1 < text.length()) {
      char low = text.charAt(index + 1);
      if (Character.isLowSurrogate(low)) {
        return Character.toCodePoint(c, low);
      }
    }
    return '\uFFFD';
  }

  /** The classes of the code point that ends before an index. */
  static int before(String text, int index) {
    int start = index - 1;
    if (start > 0
        && Character.isLowSurrogate(text.charAt(start))
        && Character.isHighSurrogate(text.charAt(start - 1))) {
      start--;
    }
    return of(codePointAt(text, start));
  }

  private static byte[] load() {
    byte[] lines;
    try (InputStream in =
        Objects.requireNonNull(
            CharacterClasses.class.getResourceAsStream("character-classes.txt"))) {
      lines = in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    byte[] classes = new byte[Character.MAX_CODE_POINT + 1];
    for (String line : new String(lines, StandardCharsets.US_ASCII).split("\n", -1)) {
      if (line.isEmpty() || line.charAt(0) == '#') {
        continue;
      }
      int bit =
          switch (line.charAt(0)) {
            case 'L' -> LETTER;
            case 'N' -> NUMBER;
            case 'S' -> SPACE;
            case 'W' -> WORD;
            case 'T' -> STRIPPED;
            case 'D' -> DIGIT;
            default -> throw new IllegalStateException("Unknown class in line " + line);
          };
      int gap = line.indexOf(' ', 2);
      int first = Integer.parseInt(line, 2, gap < 0 ? line.length() : gap, 16);
      int last = gap < 0 ? first : Integer.parseInt(line, gap + 1, line.length(), 16);
      for (int c = first; c <= last; c++) {
        classes[c] |= (byte) bit;
      }
    }
    return classes;
  }
}
