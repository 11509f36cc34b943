package io.github.ggml4j.trainer.error;

import org.jspecify.annotations.Nullable;

/**
 * Training data that cannot be read. The message names the file and the line or row, what is wrong
 * and what to do.
 */
public final class DatasetException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  /**
   * An exception with a cause.
   *
   * @param message what is wrong, where, and what to do
   * @param cause the cause; null if there is none
   */
  public DatasetException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }

  /**
   * An exception without a cause.
   *
   * @param message what is wrong, where, and what to do
   */
  public DatasetException(String message) {
    this(message, null);
  }
}
