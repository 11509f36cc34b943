package io.github.ggml4j.tokenizer;

/**
 * GPT-2's split of text into words, the regular expression {@code 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+|
 * ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+} as a scan without backtracking.
 */
final class WordSplitter {
  private WordSplitter() {}

  /**
   * The end of the word that starts at an index.
   *
   * @param end the end of the text; later characters are ignored
   */
  static int endOfWord(String text, int start, int end) {
    char first = text.charAt(start);
    if (first == '\'') {
      int contraction = contraction(text, start, end);
      if (contraction > 0) {
        return start + contraction;
      }
    }
    int next = start;
    if (first == ' ' && start + 1 < end) {
      next = start + 1;
    }
    int kind = kind(text, next, end);
    if (kind != CharacterClasses.SPACE) {
      return endOfRun(text, next, end, kind);
    }
    int run = endOfRun(text, start, end, CharacterClasses.SPACE);
    // The last space belongs to the next word, unless it is the only one. White space is always
    // one char, since none is outside the basic plane.
    return run < end && run - start > 1 ? run - 1 : run;
  }

  private static int contraction(String text, int start, int end) {
    if (start + 1 >= end) {
      return 0;
    }
    char second = text.charAt(start + 1);
    return switch (second) {
      case 's', 't', 'm', 'd' -> 2;
      case 'r', 'v', 'l' ->
          start + 2 < end && text.charAt(start + 2) == (second == 'l' ? 'l' : 'e') ? 3 : 0;
      default -> 0;
    };
  }

  private static int endOfRun(String text, int start, int end, int kind) {
    int i = start;
    while (i < end && kind(text, i, end) == kind) {
      i += width(text, i, end);
    }
    return i;
  }

  private static int kind(String text, int index, int end) {
    char c = text.charAt(index);
    int codePoint = c;
    if (Character.isSurrogate(c)) {
      codePoint =
          width(text, index, end) == 2 ? Character.toCodePoint(c, text.charAt(index + 1)) : 0xfffd;
    }
    return CharacterClasses.of(codePoint) & CharacterClasses.SPLIT;
  }

  private static int width(String text, int index, int end) {
    return Character.isHighSurrogate(text.charAt(index))
            && index + 1 < end
            && Character.isLowSurrogate(text.charAt(index + 1))
        ? 2
        : 1;
  }
}
