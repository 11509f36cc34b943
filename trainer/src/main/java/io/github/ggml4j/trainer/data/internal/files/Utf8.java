package io.github.ggml4j.trainer.data.internal.files;

import io.github.ggml4j.internal.StrictUtf8;
import io.github.ggml4j.trainer.error.DatasetException;
import java.io.IOException;
import java.io.InputStream;
import java.io.Reader;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.CodingErrorAction;

/**
 * Decodes UTF-8 and skips a byte order mark. Malformed bytes are replaced with U+FFFD, or cause an
 * error that names the first malformed byte.
 */
public final class Utf8 {

  private static final char BYTE_ORDER_MARK = '\uFEFF';

  private Utf8() {}

  /**
   * Decodes bytes.
   *
   * @param replaceMalformed whether malformed bytes are replaced
   * @param name of the file, for the error
   * @param firstLine number of the line that the bytes start with, from 1
   * @param firstByte offset in the file of the first byte, from 0
   */
  public static String decode(
      byte[] bytes, boolean replaceMalformed, String name, long firstLine, long firstByte) {
    ByteBuffer in = ByteBuffer.wrap(bytes);
    CharBuffer out = CharBuffer.allocate(bytes.length);
    CharsetDecoder decoder = decoder(replaceMalformed);
    CoderResult result = decoder.decode(in, out, true);
    if (result.isError()) {
      int at = in.position();
      throw malformed(name, bytes[at], firstByte + at, firstLine + countLines(bytes, at));
    }
    decoder.flush(out);
    out.flip();
    if (out.hasRemaining() && out.get(0) == BYTE_ORDER_MARK) {
      out.get();
    }
    return out.toString();
  }

  private static CharsetDecoder decoder(boolean replaceMalformed) {
    CharsetDecoder decoder = StrictUtf8.decoder();
    return replaceMalformed
        ? decoder
            .onMalformedInput(CodingErrorAction.REPLACE)
            .onUnmappableCharacter(CodingErrorAction.REPLACE)
        : decoder;
  }

  private static long countLines(byte[] bytes, int end) {
    long lines = 0;
    for (int i = 0; i < end; i++) {
      if (bytes[i] == '\n') {
        lines++;
      }
    }
    return lines;
  }

  private static DatasetException malformed(String name, byte first, long offset, long line) {
    return new DatasetException(
        String.format(
            "%s is not UTF-8: byte 0x%02x at offset %d (line %d)", name, first, offset, line),
        "Convert the file to UTF-8, or replace such bytes ({replaceMalformed}).",
        null);
  }

  /**
   * A reader of a stream. Its methods throw {@link DatasetException} on malformed bytes.
   *
   * @param name of the file, for the error
   * @param in closed with the reader
   * @param replaceMalformed whether malformed bytes are replaced
   */
  public static Reader reader(String name, InputStream in, boolean replaceMalformed) {
    return new Decoding(name, in, decoder(replaceMalformed));
  }

  private static final class Decoding extends Reader {
    private static final int BUFFER = 1 << 14;

    private final String name;
    private final InputStream in;
    private final CharsetDecoder decoder;
    private final ByteBuffer bytes = ByteBuffer.allocate(BUFFER).limit(0);
    private final CharBuffer chars = CharBuffer.allocate(BUFFER).limit(0);
    private long offset;
    private long line = 1;
    private boolean started;
    private boolean ended;

    Decoding(String name, InputStream in, CharsetDecoder decoder) {
      this.name = name;
      this.in = in;
      this.decoder = decoder;
    }

    @Override
    public int read(char[] target, int from, int length) throws IOException {
      if (length == 0) {
        return 0;
      }
      while (!chars.hasRemaining()) {
        if (ended) {
          return -1;
        }
        decode();
      }
      int count = Math.min(length, chars.remaining());
      chars.get(target, from, count);
      return count;
    }

    private void decode() throws IOException {
      bytes.compact();
      int read = in.read(bytes.array(), bytes.position(), bytes.remaining());
      if (read > 0) {
        bytes.position(bytes.position() + read);
      }
      bytes.flip();
      int start = bytes.position();
      chars.clear();
      CoderResult result = decoder.decode(bytes, chars, read < 0);
      for (int i = start; i < bytes.position(); i++) {
        line += bytes.get(i) == '\n' ? 1 : 0;
      }
      offset += bytes.position() - start;
      if (result.isError()) {
        throw malformed(name, bytes.get(bytes.position()), offset, line);
      }
      if (read < 0) {
        decoder.flush(chars);
        ended = true;
      }
      chars.flip();
      if (!started && chars.hasRemaining()) {
        started = true;
        if (chars.get(0) == BYTE_ORDER_MARK) {
          chars.get();
        }
      }
    }

    @Override
    public void close() throws IOException {
      in.close();
    }
  }
}
