package io.github.ggml4j.trainer.data;

import org.jspecify.annotations.Nullable;

/** Training data that cannot be read; the message names the file and the place in it. */
public final class DatasetException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  /**
   * An exception with a cause.
   *
   * @param message what is wrong, where, and what to do
   * @param cause the cause, if any
   */
  public DatasetException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }

  /**
   * An exception.
   *
   * @param message what is wrong, where, and what to do
   */
  public DatasetException(String message) {
    this(message, null);
  }
}
