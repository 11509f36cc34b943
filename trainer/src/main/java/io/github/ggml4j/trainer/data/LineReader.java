package io.github.ggml4j.trainer.data;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** The lines of one file, without their ends (LF or CR LF), each bounded in length. */
final class LineReader implements AutoCloseable {

  private final String name;
  private final InputStream in;
  private final ReadOptions options;
  private final byte[] buffer = new byte[1 << 16];
  private int at;
  private int filled;
  private long line;
  private long nextByte;

  LineReader(Path file, ReadOptions options) {
    this(file.toString(), InputFiles.open(file), options);
  }

  LineReader(String name, InputStream in, ReadOptions options) {
    this.name = name;
    this.in = in;
    this.options = options;
  }

  /** The next line, or null at the end of the file. */
  @Nullable String next() {
    long firstByte = nextByte;
    byte[] bytes = nextBytes();
    if (bytes == null) {
      return null;
    }
    return Utf8.decode(bytes, options.replaceMalformed(), name, line, firstByte);
  }

  /** File and number of the last line read, for messages. */
  String place() {
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
      if (length > options.maxDocumentBytes() - bytes.size()) {
        throw InputFiles.tooLong(place(), options.maxDocumentBytes());
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

  /** Whether there are bytes left to look at. */
  private boolean fill() {
    if (at < filled) {
      return true;
    }
    try {
      at = 0;
      filled = Math.max(0, in.read(buffer));
      return filled > 0;
    } catch (IOException e) {
      throw InputFiles.unreadable(place(), e);
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
