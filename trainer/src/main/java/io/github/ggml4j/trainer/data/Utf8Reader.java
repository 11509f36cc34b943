package io.github.ggml4j.trainer.data;

import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PushbackReader;
import java.io.Reader;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;

/** Bytes as UTF-8 text without a byte order mark; malformed ones are replaced, or an error. */
final class Utf8Reader {

  private static final char BYTE_ORDER_MARK = '\uFEFF';

  private Utf8Reader() {}

  static Reader open(String name, InputStream in, boolean replaceMalformed) {
    CodingErrorAction onMalformed =
        replaceMalformed ? CodingErrorAction.REPLACE : CodingErrorAction.REPORT;
    PushbackReader reader =
        new PushbackReader(
            new InputStreamReader(
                in,
                StandardCharsets.UTF_8
                    .newDecoder()
                    .onMalformedInput(onMalformed)
                    .onUnmappableCharacter(onMalformed)));
    try {
      int first = reader.read();
      if (first >= 0 && first != BYTE_ORDER_MARK) {
        reader.unread(first);
      }
      return reader;
    } catch (IOException e) {
      throw unreadable(name, e);
    }
  }

  /** The error of a place in a file that could not be read. */
  static DatasetException unreadable(String place, Throwable e) {
    for (Throwable cause = e; cause != null; cause = cause.getCause()) {
      if (cause instanceof DatasetException known) {
        return known;
      }
      if (cause instanceof java.nio.charset.CharacterCodingException) {
        return new DatasetException(
            place
                + ": the text from here on is not UTF-8. Convert the file to UTF-8, or read it with"
                + " replaceMalformed().",
            cause);
      }
    }
    return new DatasetException("Cannot read " + place + ": " + e.getMessage(), e);
  }
}
