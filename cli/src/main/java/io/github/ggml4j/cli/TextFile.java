package io.github.ggml4j.cli;

import io.github.ggml4j.internal.StrictUtf8;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Reads text files. Text that is not UTF-8 is an error: otherwise replacement characters would be
 * tokenized without a warning.
 */
final class TextFile {
  private static final String STANDARD_INPUT = "-";

  private TextFile() {}

  /**
   * Reads a whole text.
   *
   * @param name a file, or {@code -} for standard input
   */
  static String read(String name) throws IOException {
    return read(name, label(name));
  }

  /**
   * Reads a whole text.
   *
   * @param name a file, or {@code -} for standard input
   * @param label its name in messages
   */
  static String read(String name, String label) throws IOException {
    try (var in = open(name, label)) {
      return decode(in.readAllBytes(), label, 0);
    }
  }

  /** The name of a text in messages. */
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
   * Decodes a part of a file.
   *
   * @param label name of the file in messages
   * @param firstByte offset of the part in the file
   * @throws IllegalArgumentException if it is not UTF-8, with the offset
   */
  static String decode(byte[] utf8, String label, long firstByte) {
    var in = ByteBuffer.wrap(utf8);
    var text = CharBuffer.allocate(utf8.length);
    if (StrictUtf8.decoder().decode(in, text, true).isError()) {
      int at = in.position();
      throw new IllegalArgumentException(
          "%s is not UTF-8: byte 0x%02x at offset %d. Convert it to UTF-8, for instance with iconv"
              .formatted(label, utf8[at], firstByte + at));
    }
    return text.flip().toString();
  }
}
