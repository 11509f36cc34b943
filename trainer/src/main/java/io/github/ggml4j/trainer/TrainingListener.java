package io.github.ggml4j.trainer;

/**
 * Watches a training, on the thread that trains. What it throws ends the training; interrupting the
 * current thread stops it after the running step.
 */
public interface TrainingListener {
  /**
   * Before the first step.
   *
   * @param plan what is going to be done
   */
  default void started(TrainingPlan plan) {}

  /**
   * After each step.
   *
   * @param step its numbers
   */
  default void stepped(StepMetrics step) {}

  /**
   * At the end, also of a training that was cancelled.
   *
   * @param result how it ended
   */
  default void finished(TrainingResult result) {}

  /**
   * At the end of a training that failed.
   *
   * @param failure why
   */
  default void failed(Throwable failure) {}
}
