package io.github.ggml4j.format.torch;

import static io.github.ggml4j.format.internal.LittleEndian.INT;
import static io.github.ggml4j.format.internal.LittleEndian.LONG;
import static io.github.ggml4j.format.internal.LittleEndian.SHORT;

import io.github.ggml4j.format.ModelFormatException;
import io.github.ggml4j.internal.Names;
import io.github.ggml4j.internal.StrictUtf8;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.math.BigInteger;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/** The bytes of a pickle, read one after another and never past the end. */
final class PickleInput {
  private static final int MAX_TEXT = 1 << 16;
  private static final int MAX_INTEGER = 16;
  private static final ValueLayout.OfDouble BIG_ENDIAN_DOUBLE =
      ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

  private final MemorySegment bytes;
  private final String source;
  private long position;

  PickleInput(MemorySegment bytes, String source) {
    this.bytes = bytes;
    this.source = source;
  }

  long position() {
    return position;
  }

  int readByte() {
    return bytes.get(ValueLayout.JAVA_BYTE, advance(1)) & 0xff;
  }

  int readShort() {
    return bytes.get(SHORT, advance(2)) & 0xffff;
  }

  int readInt() {
    return bytes.get(INT, advance(4));
  }

  long readLong() {
    return bytes.get(LONG, advance(8));
  }

  double readDouble() {
    return bytes.get(BIG_ENDIAN_DOUBLE, advance(8));
  }

  /** A whole number of this many bytes, as Long where it fits, else as BigInteger. */
  Object readInteger(long length) {
    if (length < 0 || length > MAX_INTEGER) {
      throw bad("holds a number of " + length + " bytes", "at most " + MAX_INTEGER);
    }
    byte[] digits = new byte[(int) length];
    for (int i = digits.length - 1; i >= 0; i--) {
      digits[i] = (byte) readByte();
    }
    BigInteger value = digits.length == 0 ? BigInteger.ZERO : new BigInteger(digits);
    return value.bitLength() < Long.SIZE ? (Object) value.longValue() : value;
  }

  /** Text of this many bytes of UTF-8. */
  String readText(long length) {
    if (length < 0 || length > MAX_TEXT) {
      throw bad(
          "holds a text of " + Long.toUnsignedString(length) + " bytes", "at most " + MAX_TEXT);
    }
    byte[] utf8 = new byte[(int) length];
    long at = advance(length);
    MemorySegment.copy(bytes, ValueLayout.JAVA_BYTE, at, utf8, 0, utf8.length);
    return decode(utf8);
  }

  /** Text up to the end of the line. */
  String readLine() {
    long end = position;
    while (end < bytes.byteSize() && bytes.get(ValueLayout.JAVA_BYTE, end) != '\n') {
      end++;
      if (end - position > MAX_TEXT) {
        throw bad("holds a line of more than " + MAX_TEXT + " bytes", "a name");
      }
    }
    String line = readText(end - position);
    advance(1);
    return line;
  }

  private String decode(byte[] utf8) {
    try {
      return StrictUtf8.decode(utf8);
    } catch (CharacterCodingException e) {
      throw bad(
          "holds " + Names.quote(new String(utf8, StandardCharsets.ISO_8859_1)), "text in UTF-8");
    }
  }

  private long advance(long count) {
    if (count > bytes.byteSize() - position) {
      throw bad("ends at byte " + bytes.byteSize() + " within its pickle", count + " more bytes");
    }
    long at = position;
    position += count;
    return at;
  }

  ModelFormatException bad(String found, String expected) {
    return ModelFormatException.of(
        source,
        found,
        expected,
        "The file is damaged or was not written by torch.save; fetch it again.");
  }
}
