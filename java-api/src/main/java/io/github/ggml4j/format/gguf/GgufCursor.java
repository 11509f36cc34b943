package io.github.ggml4j.format.gguf;

import static io.github.ggml4j.format.internal.LittleEndian.INT;
import static io.github.ggml4j.format.internal.LittleEndian.LONG;
import static io.github.ggml4j.format.internal.LittleEndian.SHORT;

import io.github.ggml4j.format.ModelFormatException;
import io.github.ggml4j.internal.Names;
import io.github.ggml4j.internal.StrictUtf8;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.function.Supplier;

/**
 * Reads little-endian values one after another and never past the end. The parameter {@code what}
 * names a value in error messages, and is called only for these.
 */
final class GgufCursor {

  private final MemorySegment bytes;
  private final String source;
  private long position;

  GgufCursor(MemorySegment bytes, String source) {
    this.bytes = bytes;
    this.source = source;
  }

  long position() {
    return position;
  }

  long remaining() {
    return bytes.byteSize() - position;
  }

  String source() {
    return source;
  }

  MemorySegment bytes() {
    return bytes;
  }

  int readInt(Supplier<String> what) {
    return bytes.get(INT, advance(4, what));
  }

  long readLong(Supplier<String> what) {
    return bytes.get(LONG, advance(8, what));
  }

  /** A value of a fixed-size type as Long, Double or Boolean. */
  Object readScalar(GgufType type, Supplier<String> what) {
    long at = advance(type.size(), what);
    return switch (type) {
      case UINT8 -> (long) (bytes.get(ValueLayout.JAVA_BYTE, at) & 0xff);
      case INT8 -> (long) bytes.get(ValueLayout.JAVA_BYTE, at);
      case UINT16 -> (long) (bytes.get(SHORT, at) & 0xffff);
      case INT16 -> (long) bytes.get(SHORT, at);
      case UINT32 -> bytes.get(INT, at) & 0xffff_ffffL;
      case INT32 -> (long) bytes.get(INT, at);
      case UINT64, INT64 -> bytes.get(LONG, at);
      case FLOAT32 -> (double) Float.intBitsToFloat(bytes.get(INT, at));
      case FLOAT64 -> Double.longBitsToDouble(bytes.get(LONG, at));
      case BOOL -> {
        byte flag = bytes.get(ValueLayout.JAVA_BYTE, at);
        if (flag != 0 && flag != 1) {
          throw bad(what.get() + " is " + flag, "0 or 1");
        }
        yield flag == 1;
      }
      case STRING, ARRAY -> throw new IllegalArgumentException(type + " has no fixed size");
    };
  }

  String readString(long longest, Supplier<String> what) {
    int length = (int) readLength(Math.min(longest, Integer.MAX_VALUE - 8), what);
    if (length == 0) {
      return "";
    }
    byte[] utf8 = new byte[length];
    MemorySegment.copy(bytes, ValueLayout.JAVA_BYTE, position, utf8, 0, length);
    position += length;
    try {
      return StrictUtf8.decode(utf8);
    } catch (CharacterCodingException e) {
      throw bad(
          what.get() + " holds " + Names.quote(new String(utf8, StandardCharsets.ISO_8859_1)),
          "text in UTF-8");
    }
  }

  /** Passes over elements without keeping them, checking that all are there. */
  void skip(GgufType type, long count, Supplier<String> what) {
    if (count < 0 || count > remaining() / Math.max(type == GgufType.STRING ? 8 : type.size(), 1)) {
      throw bad(
          what.get() + " has " + Long.toUnsignedString(count) + " elements",
          "no more than the " + remaining() + " bytes left in the file can hold");
    }
    if (type == GgufType.STRING) {
      skipStrings(count, what);
    } else {
      position += count * type.size();
    }
  }

  /**
   * A vocabulary is a hundred thousand strings, and the JVM has compiled nothing yet when a program
   * opens its model: an array is far faster then than a memory segment.
   */
  private void skipStrings(long count, Supplier<String> what) {
    byte[] window = new byte[1 << 16];
    long start = position;
    int filled = 0;
    for (long i = 0; i < count; i++) {
      if (position - start > filled - 8) {
        start = position;
        filled = (int) Math.min(window.length, remaining());
        MemorySegment.copy(bytes, ValueLayout.JAVA_BYTE, start, window, 0, filled);
      }
      long length = filled < 8 ? -1 : littleEndian(window, (int) (position - start));
      if (length < 0 || length > remaining() - 8) {
        readLength(Long.MAX_VALUE, what); // says what is wrong
      }
      position += 8 + length;
    }
  }

  private static long littleEndian(byte[] bytes, int at) {
    long value = 0;
    for (int i = 7; i >= 0; i--) {
      value = value << 8 | (bytes[at + i] & 0xff);
    }
    return value;
  }

  /** Moves to the next multiple of a power of two, which may lie at the end of the file. */
  void align(long alignment, Supplier<String> what) {
    long padding = -position & (alignment - 1);
    if (padding > remaining()) {
      throw bad(
          what.get() + " would start at byte " + (position + padding),
          "a start within the " + bytes.byteSize() + " bytes of the file");
    }
    position += padding;
  }

  ModelFormatException bad(String found, String expected) {
    return ModelFormatException.of(
        source, found, expected, "The file is damaged or no GGUF file; fetch it again.");
  }

  private long readLength(long longest, Supplier<String> what) {
    long length = readLong(what);
    if (length < 0 || length > remaining() || length > longest) {
      throw bad(
          what.get() + " has " + Long.toUnsignedString(length) + " bytes",
          "at most " + Math.min(longest, remaining()));
    }
    return length;
  }

  private long advance(int size, Supplier<String> what) {
    if (size > remaining()) {
      throw bad("ends within " + what.get() + " at byte " + bytes.byteSize(), size + " more bytes");
    }
    long at = position;
    position += size;
    return at;
  }
}
