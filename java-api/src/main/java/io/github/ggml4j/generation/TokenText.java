package io.github.ggml4j.generation;

/** What generation needs to know of a tokenizer. Thread-safe. */
interface TokenText {
  /** The UTF-8 bytes of a token, for reading; none for an id that the tokenizer does not know. */
  byte[] bytes(int token);

  /** Whether a token is left out of the text. */
  boolean isSpecial(int token);

  /** The ids of a text. */
  int[] encode(String text);
}
