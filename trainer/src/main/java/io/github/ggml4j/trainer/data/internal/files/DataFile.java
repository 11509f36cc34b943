package io.github.ggml4j.trainer.data.internal.files;

import io.github.ggml4j.hub.RangeReader;
import io.github.ggml4j.trainer.error.DatasetException;
import java.io.InputStream;

/** A local or remote file that can be opened. */
public interface DataFile {

  /** The name for messages. Its ending determines the format and the compression. */
  String name();

  /** Identifies the file in saved positions; includes a hash of the content if one is known. */
  default String identity() {
    return name();
  }

  /**
   * Opens the file for reads at any offset.
   *
   * @throws DatasetException if the file cannot be opened
   */
  RangeReader open();

  /**
   * Opens the content from its start, decompressed if the name ends in {@code .gz} or {@code .zst}.
   *
   * @throws DatasetException if the file cannot be opened
   */
  default InputStream stream() {
    RangeReader file = open();
    try {
      return Compression.of(name()).decompress(new SequentialInput(file), name(), file.size());
    } catch (RuntimeException | Error e) {
      file.close();
      throw e;
    }
  }
}
