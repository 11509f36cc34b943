package io.github.ggml4j.trainer;

import java.nio.file.Path;

/**
 * Observes a training and may change its course, as {@code TrainerCallback} of transformers. Called
 * on the training thread, in the order in which listeners were added. An exception thrown by a
 * listener ends the training; interrupting the current thread stops it after the current step.
 */
public interface TrainingListener {
  /**
   * Called before the first step.
   *
   * @param plan the size of the training
   * @param control stops or changes the training
   */
  default void onTrainBegin(TrainingPlan plan, TrainerControl control) {}

  /**
   * Called before the first step of an epoch, and when a training resumes within one.
   *
   * @param control stops or changes the training
   */
  default void onEpochBegin(TrainerControl control) {}

  /**
   * Called before the batches of a step are computed. {@link TrainerState#globalStep} is the number
   * of steps before this one.
   *
   * @param control stops or changes the training; the learning rate also that of this step
   */
  default void onStepBegin(TrainerControl control) {}

  /**
   * Called after each step.
   *
   * @param step its numbers
   * @param control stops or changes the training
   */
  default void onStepEnd(StepMetrics step, TrainerControl control) {}

  /**
   * Called after an evaluation.
   *
   * @param metrics its result
   * @param control stops or changes the training
   */
  default void onEvaluate(EvaluationMetrics metrics, TrainerControl control) {}

  /**
   * Called when a checkpoint is taken, which is then written in the background.
   *
   * @param checkpoint its folder, which appears when it is complete
   * @param control stops or changes the training
   */
  default void onSave(Path checkpoint, TrainerControl control) {}

  /**
   * Called after the last step of an epoch; not if the training was cancelled within it.
   *
   * @param control stops or changes the training
   */
  default void onEpochEnd(TrainerControl control) {}

  /**
   * Called at the end, after the model was saved, also if the training was cancelled.
   *
   * @param result the result
   */
  default void onTrainEnd(TrainingResult result) {}

  /**
   * Called if the training fails.
   *
   * @param failure the exception
   */
  default void onFailure(Throwable failure) {}
}
