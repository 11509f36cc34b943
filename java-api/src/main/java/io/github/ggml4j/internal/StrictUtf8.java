package io.github.ggml4j.internal;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;

/** UTF-8 without replacement characters: what is not whole is an exception. */
public final class StrictUtf8 {
  private StrictUtf8() {}

  /**
   * The bytes of a text.
   *
   * @throws IllegalArgumentException when it holds half of a surrogate pair
   */
  public static byte[] encode(CharSequence text) {
    try {
      ByteBuffer utf8 = StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(text));
      byte[] bytes = new byte[utf8.remaining()];
      utf8.get(bytes);
      return bytes;
    } catch (CharacterCodingException e) {
      throw new IllegalArgumentException(
          Names.quote(text.toString()) + " holds half of a surrogate pair; expected Unicode text",
          e);
    }
  }

  /**
   * The text of bytes.
   *
   * @throws CharacterCodingException when they are no UTF-8
   */
  public static String decode(byte[] utf8) throws CharacterCodingException {
    return StandardCharsets.UTF_8
        .newDecoder()
        .onMalformedInput(CodingErrorAction.REPORT)
        .onUnmappableCharacter(CodingErrorAction.REPORT)
        .decode(ByteBuffer.wrap(utf8))
        .toString();
  }
}
