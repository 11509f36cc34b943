package io.github.ggml4j.trainer;

/** A training that cannot go on; the message names the step and what to do. */
public final class TrainingException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /**
   * An exception.
   *
   * @param message what happened, where, and what to do
   */
  public TrainingException(String message) {
    super(message);
  }
}
