package io.github.ggml4j.trainer;

import io.github.ggml4j.error.InvalidArgumentException;

/**
 * Lets a {@link TrainingListener} change the course of a training, as {@code TrainerControl} of
 * transformers. A request takes effect after the current event. Not thread-safe; to stop a training
 * from another thread, interrupt the training thread.
 */
public final class TrainerControl {
  private final TrainerState state;
  private boolean stop;
  private boolean stopEpoch;
  private boolean evaluate;
  private boolean save;

  TrainerControl(TrainerState state) {
    this.state = state;
  }

  /**
   * How far the training is.
   *
   * @return the state, the same object in each event
   */
  public TrainerState state() {
    return state;
  }

  /** Ends the training after the current step. The model is saved as at a regular end. */
  public void stop() {
    stop = true;
  }

  /** Ends the current epoch after the current step. */
  public void stopEpoch() {
    stopEpoch = true;
  }

  /** Evaluates after the current step. Has no effect without evaluation data. */
  public void evaluate() {
    evaluate = true;
  }

  /** Writes a checkpoint after the current step. Has no effect without checkpoints. */
  public void save() {
    save = true;
  }

  /**
   * Multiplies the learning rate of all following steps, in addition to the schedule. The factor is
   * part of a checkpoint.
   *
   * @param factor at least 0; replaces an earlier factor; 1 for the rate of the schedule
   * @throws InvalidArgumentException if the factor is negative or not finite
   */
  public void scaleLearningRate(double factor) {
    if (!(factor >= 0) || Double.isInfinite(factor)) {
      throw new InvalidArgumentException("factor", factor, "a finite number of at least 0");
    }
    state.learningRateScale(factor);
  }

  boolean stops() {
    return stop;
  }

  /** Whether to evaluate; the request is cleared. */
  boolean takeEvaluate() {
    boolean requested = evaluate;
    evaluate = false;
    return requested;
  }

  /** Whether to write a checkpoint; the request is cleared. */
  boolean takeSave() {
    boolean requested = save;
    save = false;
    return requested;
  }

  /** Whether the epoch ends; the request is cleared. */
  boolean takeStopEpoch() {
    boolean requested = stopEpoch;
    stopEpoch = false;
    return requested;
  }
}
