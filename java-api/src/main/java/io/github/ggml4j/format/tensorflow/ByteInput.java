package io.github.ggml4j.format.tensorflow;

import io.github.ggml4j.format.ModelFormatException;

/** Bytes read one after another and never past the end, with the numbers of protocol buffers. */
final class ByteInput {
  private final byte[] bytes;
  private final int end;
  private final String source;
  private int position;

  ByteInput(byte[] bytes, int start, int end, String source) {
    this.bytes = bytes;
    this.position = start;
    this.end = end;
    this.source = source;
  }

  boolean atEnd() {
    return position == end;
  }

  long readVarint() {
    long value = 0;
    for (int shift = 0; shift < Long.SIZE; shift += 7) {
      int b = bytes[advance(1)];
      value |= (long) (b & 0x7f) << shift;
      if (b >= 0) {
        return value;
      }
    }
    throw bad("has a number of more than ten bytes", "a shorter one");
  }

  /** A number of elements or bytes that are still to come. */
  int readLength() {
    long length = readVarint();
    if (length < 0 || length > end - position) {
      throw bad(
          "gives a length of " + Long.toUnsignedString(length),
          "at most " + (end - position) + ", what is left");
    }
    return (int) length;
  }

  int readFixed32() {
    int at = advance(4);
    return (bytes[at] & 0xff)
        | (bytes[at + 1] & 0xff) << 8
        | (bytes[at + 2] & 0xff) << 16
        | (bytes[at + 3] & 0xff) << 24;
  }

  /** The next bytes as an input of their own. */
  ByteInput readPart(int length) {
    int at = advance(length);
    return new ByteInput(bytes, at, at + length, source);
  }

  void copy(int length, byte[] to, int at) {
    System.arraycopy(bytes, advance(length), to, at, length);
  }

  /** Passes over the value of a field of this wire type. */
  void skip(int wireType) {
    switch (wireType) {
      case 0 -> readVarint();
      case 1 -> advance(8);
      case 2 -> advance(readLength());
      case 5 -> advance(4);
      default -> throw bad("has a field of wire type " + wireType, "0, 1, 2 or 5");
    }
  }

  private int advance(int count) {
    if (count > end - position) {
      throw bad("ends within an entry", count + " more bytes");
    }
    int at = position;
    position += count;
    return at;
  }

  ModelFormatException bad(String found, String expected) {
    return ModelFormatException.of(
        source,
        found,
        expected,
        "The file is damaged or no index of a checkpoint; fetch it again.");
  }
}
