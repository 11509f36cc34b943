package io.github.ggml4j.tokenizer;

/** A split of text into pieces before words are formed, as a Hugging Face pre-tokenizer. */
enum PreSplit {
  /** GPT-2's words ({@code Split} with GPT-2's regular expression). */
  WORDS {
    @Override
    int endOfPiece(String text, int start, int end) {
      return WordSplitter.endOfWord(text, start, end);
    }
  },

  /** A run of digits is a piece ({@code Digits}). */
  DIGIT_RUNS {
    @Override
    int endOfPiece(String text, int start, int end) {
      return endOfRun(text, start, end);
    }
  },

  /** Each digit is a piece ({@code Digits} with {@code individual_digits}). */
  EACH_DIGIT {
    @Override
    int endOfPiece(String text, int start, int end) {
      return isDigit(text, start) ? next(text, start) : endOfRun(text, start, end);
    }
  };

  /** The end of the piece of {@code text[start, end)} that begins at {@code start}. */
  abstract int endOfPiece(String text, int start, int end);

  private static int endOfRun(String text, int start, int end) {
    boolean digits = isDigit(text, start);
    int i = start;
    while (i < end && isDigit(text, i) == digits) {
      i = next(text, i);
    }
    return i;
  }

  private static boolean isDigit(String text, int index) {
    int codePoint = CharacterClasses.codePointAt(text, index);
    return (CharacterClasses.of(codePoint) & CharacterClasses.DIGIT) != 0;
  }

  private static int next(String text, int index) {
    return index + (CharacterClasses.codePointAt(text, index) > 0xffff ? 2 : 1);
  }
}
