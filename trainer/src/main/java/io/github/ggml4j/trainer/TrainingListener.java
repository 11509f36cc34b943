package io.github.ggml4j.trainer;

/**
 * Observes a training. Called on the training thread. An exception thrown by a listener ends the
 * training; interrupting the current thread stops it after the current step.
 */
public interface TrainingListener {
  /**
   * Called before the first step.
   *
   * @param plan the size of the training
   */
  default void started(TrainingPlan plan) {}

  /**
   * Called after each step.
   *
   * @param step its numbers
   */
  default void stepped(StepMetrics step) {}

  /**
   * Called at the end, also if the training was cancelled.
   *
   * @param result the result
   */
  default void finished(TrainingResult result) {}

  /**
   * Called if the training fails.
   *
   * @param failure the exception
   */
  default void failed(Throwable failure) {}
}
