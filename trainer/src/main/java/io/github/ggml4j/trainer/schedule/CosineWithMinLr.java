package io.github.ggml4j.trainer.schedule;

import io.github.ggml4j.internal.Check;
import java.util.OptionalLong;

/**
 * Linear warmup from 0, then waves of a cosine between the base rate and a least rate: {@code
 * get_cosine_with_min_lr_schedule_with_warmup} of Hugging Face, its {@code cosine_with_min_lr}.
 * Needs a known number of steps.
 *
 * @param warmup when the base rate is reached
 * @param minLrRate least rate / base rate, in [0, 1]
 * @param numCycles waves of the cosine, greater than 0; default 0.5
 */
public record CosineWithMinLr(Warmup warmup, double minLrRate, double numCycles)
    implements Schedule {
  /** Checks the values. */
  public CosineWithMinLr {
    Check.probability("minLrRate", minLrRate);
    Check.positive("numCycles", numCycles);
  }

  /**
   * Half a cosine without warmup.
   *
   * @param minLrRate least rate / base rate, in [0, 1]; for a rate of 1e-6 after 5e-5 write {@code
   *     1e-6 / 5e-5}
   * @return the schedule
   */
  public static CosineWithMinLr minLrRate(double minLrRate) {
    return new CosineWithMinLr(Warmup.NONE, minLrRate, 0.5);
  }

  /**
   * The same with another warmup.
   *
   * @param warmup when the base rate is reached
   * @return a changed copy
   */
  public CosineWithMinLr warmup(Warmup warmup) {
    return new CosineWithMinLr(warmup, minLrRate, numCycles);
  }

  /**
   * The same with another number of waves.
   *
   * @param numCycles greater than 0
   * @return a changed copy
   */
  public CosineWithMinLr numCycles(double numCycles) {
    return new CosineWithMinLr(warmup, minLrRate, numCycles);
  }

  @Override
  public long warmupSteps(OptionalLong totalSteps) {
    return warmup.steps(totalSteps);
  }

  @Override
  public double factor(long step, OptionalLong totalSteps) {
    long total = Totals.known(totalSteps, this);
    long warmupSteps = warmup.steps(totalSteps);
    if (step < warmupSteps) {
      return Warmup.factor(step, warmupSteps);
    }
    double wave = CosineWarmup.wave(Totals.progress(step, warmupSteps, total), numCycles);
    return Math.max(0, wave * (1 - minLrRate) + minLrRate);
  }
}
