package io.github.ggml4j.tokenizer;

import io.github.ggml4j.tokenizer.internal.Utf8;
import java.util.Arrays;

/**
 * Decodes ids one by one. The returned texts, concatenated, equal {@link Tokenizer#decode(int[],
 * boolean)} of all ids; each contains whole characters only.
 *
 * <p>Not thread-safe.
 */
public final class StreamingDecoder {
  private final Tokenizer tokenizer;
  private final boolean skipSpecialTokens;

  /** The bytes of an incomplete character; at most three. */
  private byte[] pending = TokenizerModel.NO_BYTES;

  StreamingDecoder(Tokenizer tokenizer, boolean skipSpecialTokens) {
    this.tokenizer = tokenizer;
    this.skipSpecialTokens = skipSpecialTokens;
  }

  /**
   * Decodes the next id.
   *
   * @return the characters that are complete now; may be empty
   * @throws io.github.ggml4j.error.InvalidArgumentException if the id is negative
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
   * Ends the text. The decoder can be used for another text afterwards.
   *
   * @return U+FFFD if the last character is incomplete, otherwise an empty text
   */
  public String flush() {
    StringBuilder text = new StringBuilder();
    Utf8.decode(pending, 0, pending.length, true, text);
    pending = TokenizerModel.NO_BYTES;
    return text.toString();
  }
}
