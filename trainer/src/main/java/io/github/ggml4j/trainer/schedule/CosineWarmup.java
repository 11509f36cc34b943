package io.github.ggml4j.trainer.schedule;

import io.github.ggml4j.internal.Check;
import java.util.OptionalLong;

/**
 * Linear warmup from 0, then waves of a cosine between the base rate and 0: {@code
 * get_cosine_schedule_with_warmup} of Hugging Face, its {@code cosine}. With the default of half a
 * wave the rate falls to 0 at the last step. Needs a known number of steps.
 *
 * @param warmup when the base rate is reached
 * @param numCycles waves of the cosine, greater than 0; default 0.5
 */
public record CosineWarmup(Warmup warmup, double numCycles) implements Schedule {
  /** Checks the values. */
  public CosineWarmup {
    Check.positive("numCycles", numCycles);
  }

  /**
   * Warmup over this many steps, then half a cosine.
   *
   * @param warmupSteps optimizer steps until the base rate is reached
   * @return the schedule
   */
  public static CosineWarmup steps(long warmupSteps) {
    return new CosineWarmup(Warmup.steps(warmupSteps), 0.5);
  }

  /**
   * Warmup over this ratio of all steps, then half a cosine.
   *
   * @param ratio warmup steps / all steps, in [0, 1]
   * @return the schedule
   */
  public static CosineWarmup ratio(double ratio) {
    return new CosineWarmup(Warmup.ratio(ratio), 0.5);
  }

  /**
   * The same with another number of waves.
   *
   * @param numCycles greater than 0
   * @return a changed copy
   */
  public CosineWarmup numCycles(double numCycles) {
    return new CosineWarmup(warmup, numCycles);
  }

  @Override
  public long warmupSteps(OptionalLong totalSteps) {
    return warmup.steps(totalSteps);
  }

  @Override
  public double factor(long step, OptionalLong totalSteps) {
    long total = Totals.known(totalSteps, this);
    long warmupSteps = warmup.steps(totalSteps);
    return step < warmupSteps
        ? Warmup.factor(step, warmupSteps)
        : Math.max(0, wave(Totals.progress(step, warmupSteps, total), numCycles));
  }

  /** {@code (1 + cos(2 pi numCycles progress)) / 2}. */
  static double wave(double progress, double numCycles) {
    return 0.5 * (1 + Math.cos(Math.PI * numCycles * 2 * progress));
  }
}
