package io.github.ggml4j.generation;

import io.github.ggml4j.tokenizer.Tokenizer;

/** A tokenizer as generation sees it. */
record TokenizerText(Tokenizer tokenizer) implements TokenText {
  @Override
  public byte[] bytes(int token) {
    return tokenizer.bytes(token, false);
  }

  @Override
  public boolean isSpecial(int token) {
    return tokenizer.bytes(token, true).length == 0 && tokenizer.bytes(token, false).length > 0;
  }

  @Override
  public int[] encode(String text) {
    return tokenizer.encode(text);
  }
}
