package io.github.ggml4j.trainer;

/** A training failed, for instance because it diverged. The message has the step and a remedy. */
public final class TrainingException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /**
   * Creates an exception.
   *
   * @param message what happened, where, and what to do
   */
  public TrainingException(String message) {
    super(message);
  }
}
