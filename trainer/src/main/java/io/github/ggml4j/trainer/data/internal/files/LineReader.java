package io.github.ggml4j.trainer.data.internal.files;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Reads the lines of a file without their line ends (LF or CR LF). Limits the length of a line. */
public final class LineReader implements AutoCloseable {

  private final String name;
  private final InputStream in;
  private final int maxLineBytes;
  private final boolean replaceMalformed;
  private final byte[] buffer = new byte[1 << 16];
  private int at;
  private int filled;
  private long line;
  private long nextByte;

  /**
   * A reader of a file's content.
   *
   * @param name of the file, for messages
   * @param in closed with this reader
   * @param maxLineBytes maximum length of a line; a longer one is an error
   * @param replaceMalformed whether malformed UTF-8 is replaced by U+FFFD
   */
  public LineReader(String name, InputStream in, int maxLineBytes, boolean replaceMalformed) {
    this.name = name;
    this.in = in;
    this.maxLineBytes = maxLineBytes;
    this.replaceMalformed = replaceMalformed;
  }

  /** The next line; null at the end of the file. */
  public @Nullable String next() {
    long firstByte = nextByte;
    byte[] bytes = nextBytes();
    if (bytes == null) {
      return null;
    }
    return Utf8.decode(bytes, replaceMalformed, name, line, firstByte);
  }

  /** File and number of the last line read, for messages. */
  public String location() {
    return name + ", line " + line;
  }

  private byte @Nullable [] nextBytes() {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(256);
    line++;
    while (fill()) {
      int start = at;
      while (at < filled && buffer[at] != '\n') {
        at++;
      }
      int length = at - start;
      if (length > maxLineBytes - bytes.size()) {
        throw InputFiles.tooLong(location(), maxLineBytes);
      }
      bytes.write(buffer, start, length);
      nextByte += length;
      if (at < filled) {
        at++;
        nextByte++;
        return withoutCarriageReturn(bytes.toByteArray());
      }
    }
    return bytes.size() == 0 ? null : bytes.toByteArray();
  }

  /** Whether the buffer has bytes left, after filling it if it is empty. */
  private boolean fill() {
    if (at < filled) {
      return true;
    }
    try {
      at = 0;
      filled = Math.max(0, in.read(buffer));
      return filled > 0;
    } catch (IOException e) {
      throw InputFiles.unreadable(location(), e);
    }
  }

  private static byte[] withoutCarriageReturn(byte[] bytes) {
    int end = bytes.length;
    return end > 0 && bytes[end - 1] == '\r' ? Arrays.copyOf(bytes, end - 1) : bytes;
  }

  @Override
  public void close() {
    try {
      in.close();
    } catch (IOException e) {
      throw InputFiles.unreadable(name, e);
    }
  }
}
