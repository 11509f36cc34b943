package io.github.ggml4j.trainer;

/**
 * Observes a training. Called on the training thread. An exception thrown by a listener ends the
 * training; interrupting the current thread stops it after the running step.
 */
public interface TrainingListener {
  /**
   * Called before the first step.
   *
   * @param plan what will be done
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
   * @param result how it ended
   */
  default void finished(TrainingResult result) {}

  /**
   * Called if the training fails.
   *
   * @param failure why
   */
  default void failed(Throwable failure) {}
}
