package io.github.ggml4j.trainer.schedule;

import io.github.ggml4j.error.InvalidArgumentException;
import java.util.OptionalLong;

/** What schedules share that need the number of steps or the base learning rate. */
final class Totals {
  private Totals() {}

  /** The number of steps, or an error that says what to do if it is unknown. */
  static long known(OptionalLong totalSteps, Schedule schedule) {
    return totalSteps.orElseThrow(() ->
        new InvalidArgumentException(
            "schedule",
            schedule,
            "a linear, constant_with_warmup or inverse_sqrt schedule if the number of steps is"
                + " unknown",
            "The length of this dataset is unknown. Set {maxSteps} to use this schedule"));
  }

  /** How far a training is between the end of the warmup (0) and its last step (1). */
  static double progress(long step, long warmup, long total) {
    return (double) (step - warmup) / Math.max(1, total - warmup);
  }

  /** Refuses a schedule whose absolute rates belong to another base rate. */
  static void checkSame(Schedule schedule, double of, double learningRate) {
    if (of != learningRate) {
      throw new InvalidArgumentException(
          "schedule",
          schedule,
          "a schedule for the learning rate " + learningRate,
          "Make the schedule with the learning rate of the optimizer");
    }
  }
}
