package io.github.ggml4j.cli;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Text that commands read. It must be UTF-8: replacement characters would be tokenized, scored and
 * continued without a word.
 */
final class TextFile {
  private static final String STANDARD_INPUT = "-";

  private TextFile() {}

  /**
   * Reads all of a text.
   *
   * @param name a file, or {@code -} for standard input
   */
  static String read(String name) throws IOException {
    return read(name, label(name));
  }

  /**
   * Reads all of a text.
   *
   * @param name a file, or {@code -} for standard input
   * @param label what messages call it
   */
  static String read(String name, String label) throws IOException {
    try (var in = open(name, label)) {
      return decode(in.readAllBytes(), label, 0);
    }
  }

  /** What messages call a text. */
  static String label(String name) {
    return name.equals(STANDARD_INPUT) ? "standard input" : name;
  }

  /** Opens a file, or standard input, which stays open. */
  static InputStream open(String name, String label) throws IOException {
    if (name.equals(STANDARD_INPUT)) {
      return new FilterInputStream(System.in) {
        @Override
        public void close() {}
      };
    }
    var path = Path.of(name);
    if (Files.isDirectory(path)) {
      throw new IllegalArgumentException(label + " is a folder, expected a file with text");
    }
    return Files.newInputStream(path);
  }

  /**
   * The text of a part of a file.
   *
   * @param label what messages call the file
   * @param firstByte where the part begins in the file
   * @throws IllegalArgumentException when it is no UTF-8, with the place
   */
  static String decode(byte[] utf8, String label, long firstByte) {
    var decoder =
        StandardCharsets.UTF_8
            .newDecoder()
            .onMalformedInput(CodingErrorAction.REPORT)
            .onUnmappableCharacter(CodingErrorAction.REPORT);
    var in = ByteBuffer.wrap(utf8);
    var text = CharBuffer.allocate(utf8.length);
    if (decoder.decode(in, text, true).isError()) {
      int at = in.position();
      throw new IllegalArgumentException(
          "%s is not UTF-8: byte 0x%02x at offset %d. Convert it to UTF-8, as iconv does"
              .formatted(label, utf8[at], firstByte + at));
    }
    return text.flip().toString();
  }
}
