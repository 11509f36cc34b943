package io.github.ggml4j.trainer.schedule;

import java.util.OptionalLong;

/**
 * Linear warmup from 0, then constant: {@code get_constant_schedule_with_warmup} of Hugging Face,
 * its {@code constant_with_warmup}.
 *
 * @param warmup when the base rate is reached
 */
public record ConstantWarmup(Warmup warmup) implements Schedule {
  /**
   * Warmup over this many steps, then constant.
   *
   * @param warmupSteps optimizer steps until the base rate is reached
   * @return the schedule
   */
  public static ConstantWarmup steps(long warmupSteps) {
    return new ConstantWarmup(Warmup.steps(warmupSteps));
  }

  /**
   * Warmup over this ratio of all steps, then constant.
   *
   * @param ratio warmup steps / all steps, in [0, 1]
   * @return the schedule
   */
  public static ConstantWarmup ratio(double ratio) {
    return new ConstantWarmup(Warmup.ratio(ratio));
  }

  @Override
  public long warmupSteps(OptionalLong totalSteps) {
    return warmup.steps(totalSteps);
  }

  @Override
  public boolean usesTotalSteps() {
    return warmup.usesTotalSteps();
  }

  @Override
  public double factor(long step, OptionalLong totalSteps) {
    long warmupSteps = warmup.steps(totalSteps);
    return step < warmupSteps ? Warmup.factor(step, warmupSteps) : 1;
  }
}
