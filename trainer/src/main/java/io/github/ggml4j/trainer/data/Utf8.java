package io.github.ggml4j.trainer.data;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;

/** UTF-8 to text, with the place of the first malformed byte. */
final class Utf8 {

  private Utf8() {}

  /**
   * Decodes bytes, skipping a byte order mark.
   *
   * @param name of the file, for the error
   * @param firstLine number of the line that the bytes start with, from 1
   * @param firstByte position in the file of the first byte, from 0
   */
  static String decode(
      byte[] bytes, boolean replaceMalformed, String name, long firstLine, long firstByte) {
    int start = hasByteOrderMark(bytes) ? 3 : 0;
    if (replaceMalformed) {
      return new String(bytes, start, bytes.length - start, StandardCharsets.UTF_8);
    }
    CharsetDecoder decoder =
        StandardCharsets.UTF_8
            .newDecoder()
            .onMalformedInput(CodingErrorAction.REPORT)
            .onUnmappableCharacter(CodingErrorAction.REPORT);
    ByteBuffer in = ByteBuffer.wrap(bytes, start, bytes.length - start);
    CharBuffer out = CharBuffer.allocate(bytes.length - start);
    CoderResult result = decoder.decode(in, out, true);
    if (result.isError()) {
      int at = in.position();
      throw new DatasetException(
          String.format(
              "%s is not UTF-8: byte 0x%02x at offset %d (line %d). Convert the file to UTF-8, or"
                  + " read it with replaceMalformed().",
              name, bytes[at], firstByte + at, firstLine + countLines(bytes, at)));
    }
    return out.flip().toString();
  }

  private static boolean hasByteOrderMark(byte[] bytes) {
    return bytes.length >= 3
        && bytes[0] == (byte) 0xEF
        && bytes[1] == (byte) 0xBB
        && bytes[2] == (byte) 0xBF;
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
}
