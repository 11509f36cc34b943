package io.github.ggml4j.trainer.data.internal.files;

import io.github.ggml4j.hub.RangeReader;
import io.github.ggml4j.internal.LfsPointer;
import io.github.ggml4j.trainer.error.DatasetException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;

/** A file on the disk. */
public record LocalFile(Path path) implements DataFile {

  @Override
  public String name() {
    return path.toString();
  }

  /** The name and the size. A position becomes invalid when the size of the file changes. */
  @Override
  public String identity() {
    try {
      return name() + " " + Files.size(path);
    } catch (IOException _) {
      return name(); // Opening the file reports the error
    }
  }

  @Override
  public RangeReader open() {
    checkReadable(path);
    try {
      if (Files.size(path) < LfsPointer.MAX_SIZE) {
        LfsPointer.refuse(
            name(), MemorySegment.ofArray(Files.readAllBytes(path)), DatasetException::new);
      }
      return RangeReader.open(path);
    } catch (IOException e) {
      throw InputFiles.unreadable(name(), e);
    }
  }

  /**
   * Checks that a path is a file.
   *
   * @throws DatasetException if the path is a folder or does not exist
   */
  public static void checkReadable(Path file) {
    if (Files.isDirectory(file)) {
      throw new DatasetException(
          file
              + " is a folder, expected a file. Use Datasets.folder or Datasets.open for folders.");
    }
    if (!Files.exists(file)) {
      throw new DatasetException(
          "No such file: " + file + " (relative to " + Path.of("").toAbsolutePath() + ")");
    }
  }
}
