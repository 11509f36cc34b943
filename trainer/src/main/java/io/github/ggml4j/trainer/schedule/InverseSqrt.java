package io.github.ggml4j.trainer.schedule;

import io.github.ggml4j.internal.Check;
import java.util.OptionalLong;

/**
 * Linear warmup from 0, then decay with the inverse square root of the step: {@code
 * get_inverse_sqrt_schedule} of Hugging Face, its {@code inverse_sqrt}. The number of steps may be
 * unknown.
 *
 * @param warmup when the base rate is reached
 * @param timescale after how many steps the rate has fallen by the factor {@code sqrt(2)}, at least
 *     1; empty for the number of warmup steps, or 10,000 without warmup
 */
public record InverseSqrt(Warmup warmup, OptionalLong timescale) implements Schedule {
  private static final long DEFAULT_TIMESCALE = 10_000;

  /** Checks the values. */
  public InverseSqrt {
    if (timescale.isPresent()) {
      Check.atLeast("timescale", timescale.getAsLong(), 1);
    }
  }

  /**
   * Warmup over this many steps, then decay with the timescale of the warmup.
   *
   * @param warmupSteps optimizer steps until the base rate is reached
   * @return the schedule
   */
  public static InverseSqrt steps(long warmupSteps) {
    return new InverseSqrt(Warmup.steps(warmupSteps), OptionalLong.empty());
  }

  /**
   * Warmup over this ratio of all steps, then decay with the timescale of the warmup.
   *
   * @param ratio warmup steps / all steps, in [0, 1]
   * @return the schedule
   */
  public static InverseSqrt ratio(double ratio) {
    return new InverseSqrt(Warmup.ratio(ratio), OptionalLong.empty());
  }

  /**
   * The same with another timescale.
   *
   * @param steps at least 1
   * @return a changed copy
   */
  public InverseSqrt timescale(long steps) {
    return new InverseSqrt(warmup, OptionalLong.of(steps));
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
    if (step < warmupSteps) {
      return Warmup.factor(step, warmupSteps);
    }
    long scale = timescale.orElse(warmupSteps == 0 ? DEFAULT_TIMESCALE : warmupSteps);
    return 1 / Math.sqrt((double) (step - warmupSteps + scale) / scale);
  }
}
