package io.github.ggml4j.trainer.schedule;

import java.util.OptionalLong;

/**
 * Linear warmup from 0, then linear decay to 0 at the last step: {@code
 * get_linear_schedule_with_warmup} of Hugging Face, its {@code linear}. The first step has rate 0
 * if there is a warmup. If the number of steps is unknown, as with an endless stream, the rate
 * stays constant after the warmup.
 *
 * @param warmup when the base rate is reached
 */
public record LinearWarmup(Warmup warmup) implements Schedule {
  /**
   * Warmup over this many steps, then linear decay.
   *
   * @param warmupSteps optimizer steps until the base rate is reached
   * @return the schedule
   */
  public static LinearWarmup steps(long warmupSteps) {
    return new LinearWarmup(Warmup.steps(warmupSteps));
  }

  /**
   * Warmup over this ratio of all steps, then linear decay.
   *
   * @param ratio warmup steps / all steps, in [0, 1]
   * @return the schedule
   */
  public static LinearWarmup ratio(double ratio) {
    return new LinearWarmup(Warmup.ratio(ratio));
  }

  @Override
  public long warmupSteps(OptionalLong totalSteps) {
    return warmup.steps(totalSteps);
  }

  @Override
  public double factor(long step, OptionalLong totalSteps) {
    long warmupSteps = warmup.steps(totalSteps);
    if (step < warmupSteps) {
      return Warmup.factor(step, warmupSteps);
    }
    if (totalSteps.isEmpty()) {
      return 1;
    }
    long total = totalSteps.getAsLong();
    return Math.max(0, (double) (total - step) / Math.max(1, total - warmupSteps));
  }
}
