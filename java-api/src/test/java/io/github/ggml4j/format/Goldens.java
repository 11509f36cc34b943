package io.github.ggml4j.format;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;

/** The files that {@code src/test/python/make_format_goldens.py} made. */
public final class Goldens {
  private Goldens() {}

  /** The path of a file or folder. */
  public static Path path(String name) {
    URL anchor = Goldens.class.getResource("/golden/formats/expected.json");
    if (anchor == null) {
      throw new IllegalStateException("golden files are not on the class path");
    }
    try {
      return Path.of(anchor.toURI()).resolveSibling(name);
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
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
