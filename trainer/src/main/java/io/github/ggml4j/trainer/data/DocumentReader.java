package io.github.ggml4j.trainer.data;

import io.github.ggml4j.trainer.error.DatasetException;
import org.jspecify.annotations.Nullable;

/** Reads the documents of a dataset in order. Not thread-safe; the caller closes it. */
public interface DocumentReader extends AutoCloseable {

  /**
   * Reads the next document.
   *
   * @return the document; null at the end
   * @throws DatasetException if it cannot be read
   */
  @Nullable String next();

  /**
   * The position after the last document that {@link #next} returned, for {@link Dataset#resume}.
   *
   * @return the position
   */
  DatasetPosition position();

  @Override
  void close();
}
