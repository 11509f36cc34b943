package io.github.ggml4j.trainer.data;

import io.github.ggml4j.trainer.error.DatasetException;
import org.jspecify.annotations.Nullable;

/** Reads the documents of a dataset from first to last. Not thread-safe; the caller closes it. */
public interface DocumentReader extends AutoCloseable {

  /**
   * Reads the next document.
   *
   * @return the document; null at the end
   * @throws DatasetException if it cannot be read
   */
  @Nullable String next();

  /**
   * The position after the document that {@link #next} returned last, to {@link Dataset#resume}
   * there.
   *
   * @return the position
   */
  DatasetPosition position();

  @Override
  void close();
}
