package io.github.ggml4j.trainer.data;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.zip.GZIPInputStream;

/** Opening and bounded reading of input files, with errors that name the file. */
final class InputFiles {

  private static final int BUFFER = 1 << 16;

  private InputFiles() {}

  /** Opens a file, decompressing {@code .gz} and {@code .zst}. */
  static InputStream open(Path file) {
    checkReadable(file);
    try {
      InputStream raw = Files.newInputStream(file);
      try {
        return decompressed(raw, file.toString(), Files.size(file));
      } catch (IOException | RuntimeException e) {
        raw.close();
        throw e;
      }
    } catch (IOException e) {
      throw unreadable(file.toString(), e);
    }
  }

  /**
   * A buffered stream of the content, decompressed where the name says so.
   *
   * @param size of the file in bytes, which says when it unpacks to too much
   */
  static InputStream decompressed(InputStream raw, String name, long size) throws IOException {
    String lower = name.toLowerCase(Locale.ROOT);
    InputStream in = raw;
    if (lower.endsWith(".gz")) {
      in = new InflationGuard(name, size).watch(new GZIPInputStream(raw, BUFFER));
    } else if (lower.endsWith(".zst")) {
      in = new InflationGuard(name, size).watch(ZstdInput.open(raw));
    }
    return new BufferedInputStream(in, BUFFER);
  }

  /** Reads to the end; more than {@code max} bytes are an error. */
  static byte[] readAll(InputStream in, int max, String name) {
    try {
      byte[] bytes = in.readNBytes(max);
      if (bytes.length == max && in.read() >= 0) {
        throw tooLong(name, max);
      }
      return bytes;
    } catch (IOException e) {
      throw unreadable(name, e);
    }
  }

  static void checkReadable(Path file) {
    if (Files.isDirectory(file)) {
      throw new DatasetException(
          file + " is a folder, expected a file. Use Datasets.folder for folders.");
    }
    if (!Files.exists(file)) {
      throw new DatasetException(
          "No such file: " + file + " (looked in " + Path.of("").toAbsolutePath() + ")");
    }
  }

  static DatasetException tooLong(String name, int max) {
    return new DatasetException(
        name
            + " is longer than "
            + max
            + " bytes. Raise maxDocumentBytes, read it by lines, or split it.");
  }

  static DatasetException unreadable(String name, IOException e) {
    String reason = e instanceof NoSuchFileException ? "no such file" : String.valueOf(e);
    return new DatasetException("Cannot read " + name + ": " + reason, e);
  }
}
