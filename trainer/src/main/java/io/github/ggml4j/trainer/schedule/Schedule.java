package io.github.ggml4j.trainer.schedule;

import java.util.OptionalLong;

/**
 * Changes the learning rate over a training. As with PyTorch's {@code LambdaLR}, the rate of a step
 * is the optimizer's base learning rate times {@link #factor}.
 */
@FunctionalInterface
public interface Schedule {

  /**
   * Factor on the base learning rate.
   *
   * @param step optimizer step, from 0
   * @param totalSteps number of optimizer steps of the whole training; empty if unknown
   * @return the factor, finite and at least 0
   * @throws IllegalArgumentException if the schedule needs the number of steps and it is unknown.
   *     The trainer calls this method for step 0 before it starts, to fail early
   */
  double factor(long step, OptionalLong totalSteps);

  /**
   * Number of steps during which the rate rises. The trainer logs a warning if the training is not
   * longer than this.
   *
   * @param totalSteps number of optimizer steps of the whole training; empty if unknown
   * @return the number of warmup steps; 0 for a schedule without warmup
   */
  default long warmupSteps(OptionalLong totalSteps) {
    return 0;
  }

  /**
   * Whether {@link #factor} depends on the number of steps of the whole training. If so, a training
   * can only be resumed from a checkpoint with the same number of steps.
   *
   * @return true unless overridden
   */
  default boolean usesTotalSteps() {
    return true;
  }

  /**
   * Checks that the schedule was made for an optimizer's base learning rate. Schedules with
   * absolute rates, such as {@link Polynomial}, override it.
   *
   * @param learningRate the base learning rate
   * @throws IllegalArgumentException if the schedule was made for another rate
   */
  default void checkLearningRate(double learningRate) {}

  /**
   * The base learning rate in every step.
   *
   * @return a schedule whose factor is 1
   */
  static Schedule constant() {
    return Constant.INSTANCE;
  }
}
