package io.github.ggml4j.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** Text that a command reads as a whole. */
final class TextFile {
  private TextFile() {}

  /**
   * Reads UTF-8.
   *
   * @param name a file, or {@code -} for standard input
   */
  static String read(String name) throws IOException {
    if (name.equals("-")) {
      return new String(System.in.readAllBytes(), StandardCharsets.UTF_8);
    }
    var path = Path.of(name);
    if (Files.isDirectory(path)) {
      throw new IllegalArgumentException(name + " is a folder, expected a file with text");
    }
    return new String(Files.readAllBytes(path), StandardCharsets.UTF_8);
  }
}
