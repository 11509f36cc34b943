package io.github.ggml4j.tokenizer;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;

/**
 * Decodes tokens as they come: what it returns, joined, is what {@link Tokenizer#decode(int[])}
 * returns for all of them, and never holds half a character.
 *
 * <p>For one thread at a time.
 */
public final class StreamingDecoder {
  private final Tokenizer tokenizer;
  private final boolean skipSpecialTokens;
  private final CharsetDecoder decoder =
      StandardCharsets.UTF_8
          .newDecoder()
          .onMalformedInput(CodingErrorAction.REPLACE)
          .onUnmappableCharacter(CodingErrorAction.REPLACE);

  /** The bytes of a character that is not complete yet: at most three. */
  private final byte[] pending = new byte[4];

  private int pendingCount;

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
    ByteBuffer in = ByteBuffer.allocate(pendingCount + token.length);
    in.put(pending, 0, pendingCount).put(token).flip();
    CharBuffer out = CharBuffer.allocate(in.remaining() + 1);
    decoder.decode(in, out, false);
    pendingCount = in.remaining();
    in.get(pending, 0, pendingCount);
    return out.flip().toString();
  }

  /**
   * Ends the text and makes this ready for another.
   *
   * @return a replacement character when the last character is incomplete, otherwise nothing
   */
  public String flush() {
    CharBuffer out = CharBuffer.allocate(4);
    decoder.decode(ByteBuffer.wrap(pending, 0, pendingCount), out, true);
    decoder.flush(out);
    decoder.reset();
    pendingCount = 0;
    return out.flip().toString();
  }
}
