package io.github.ggml4j.tokenizer;

import io.github.ggml4j.tokenizer.internal.Utf8;
import java.util.Arrays;

/**
 * Decodes tokens as they come: what it returns, joined, is what {@link Tokenizer#decode(int[],
 * boolean)} returns for all of them, and never holds half a character.
 *
 * <p>For one thread at a time.
 */
public final class StreamingDecoder {
  private final Tokenizer tokenizer;
  private final boolean skipSpecialTokens;

  /** The bytes of a character that is not complete yet: at most three. */
  private byte[] pending = TokenizerModel.NO_BYTES;

  StreamingDecoder(Tokenizer tokenizer, boolean skipSpecialTokens) {
    this.tokenizer = tokenizer;
    this.skipSpecialTokens = skipSpecialTokens;
  }

  /**
   * Takes the next token.
   *
   * @return the text that is complete with it, often empty in the middle of a character
   * @throws IllegalArgumentException when the id is negative
   */
  public String push(int id) {
    byte[] token = tokenizer.bytes(id, skipSpecialTokens);
    byte[] bytes = Arrays.copyOf(pending, pending.length + token.length);
    System.arraycopy(token, 0, bytes, pending.length, token.length);
    StringBuilder text = new StringBuilder(bytes.length);
    int read = Utf8.decode(bytes, 0, bytes.length, false, text);
    pending = Arrays.copyOfRange(bytes, read, bytes.length);
    return text.toString();
  }

  /**
   * Ends the text and makes this ready for another.
   *
   * @return a replacement character when the last character is incomplete, otherwise nothing
   */
  public String flush() {
    StringBuilder text = new StringBuilder();
    Utf8.decode(pending, 0, pending.length, true, text);
    pending = TokenizerModel.NO_BYTES;
    return text.toString();
  }
}
