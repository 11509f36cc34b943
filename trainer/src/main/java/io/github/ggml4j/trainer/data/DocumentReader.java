package io.github.ggml4j.trainer.data;

import org.jspecify.annotations.Nullable;

/** One pass over the documents of a source. */
interface DocumentReader extends AutoCloseable {

  /** The next document, or null at the end. */
  @Nullable String next();

  @Override
  default void close() {}
}
