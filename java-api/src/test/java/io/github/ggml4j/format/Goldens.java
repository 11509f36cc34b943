package io.github.ggml4j.format;

import io.github.ggml4j.Golden;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The files that {@code src/test/python/make_format_goldens.py} made. */
public final class Goldens {
  private Goldens() {}

  /** The path of a file or folder. */
  public static Path path(String name) {
    return Golden.path("formats").resolve(name);
  }

  /** The content of a file. */
  public static byte[] bytes(String name) {
    try {
      return Files.readAllBytes(path(name));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The content of a text file. */
  public static String text(String name) {
    return new String(bytes(name), java.nio.charset.StandardCharsets.UTF_8);
  }
}
