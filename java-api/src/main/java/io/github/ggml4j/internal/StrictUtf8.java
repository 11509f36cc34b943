package io.github.ggml4j.internal;

import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;

/** UTF-8 without replacement characters: malformed input is an error. */
public final class StrictUtf8 {
  private StrictUtf8() {}

  /**
   * The bytes of a text.
   *
   * @throws IllegalArgumentException if it contains an unpaired surrogate
   */
  public static byte[] encode(CharSequence text) {
    try {
      ByteBuffer utf8 = StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(text));
      byte[] bytes = new byte[utf8.remaining()];
      utf8.get(bytes);
      return bytes;
    } catch (CharacterCodingException e) {
      throw new IllegalArgumentException(
          Names.quote(text.toString()) + " contains an unpaired surrogate, expected Unicode text",
          e);
    }
  }

  /**
   * The text of bytes.
   *
   * @throws CharacterCodingException if they are not UTF-8
   */
  public static String decode(byte[] utf8) throws CharacterCodingException {
    return decoder().decode(ByteBuffer.wrap(utf8)).toString();
  }

  /** A decoder that reports malformed input. */
  public static CharsetDecoder decoder() {
    return StandardCharsets.UTF_8
        .newDecoder()
        .onMalformedInput(CodingErrorAction.REPORT)
        .onUnmappableCharacter(CodingErrorAction.REPORT);
  }

  /** A reader of UTF-8; malformed input is a {@link CharacterCodingException}. */
  public static Reader reader(InputStream utf8) {
    return new InputStreamReader(utf8, decoder());
  }

  /** Whether a text has no unpaired surrogate. */
  public static boolean isWellFormed(CharSequence text) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (Character.isSurrogate(c)) {
        if (!Character.isHighSurrogate(c)
            || i + 1 == text.length()
            || !Character.isLowSurrogate(text.charAt(i + 1))) {
          return false;
        }
        i++;
      }
    }
    return true;
  }
}
