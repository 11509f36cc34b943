package io.github.ggml4j.trainer.schedule;

import io.github.ggml4j.internal.Check;
import java.util.OptionalLong;

/**
 * Linear warmup from 0, then half cosines from the base rate to 0, each of which begins at the base
 * rate again: {@code get_cosine_with_hard_restarts_schedule_with_warmup} of Hugging Face, its
 * {@code cosine_with_restarts}. Needs a known number of steps.
 *
 * <p>Source: Loshchilov and Hutter, <a href="https://arxiv.org/abs/1608.03983">SGDR</a>.
 *
 * @param warmup when the base rate is reached
 * @param numCycles number of half cosines, at least 1; default 1
 */
public record CosineWithRestarts(Warmup warmup, int numCycles) implements Schedule {
  /** Checks the values. */
  public CosineWithRestarts {
    Check.atLeast("numCycles", numCycles, 1);
  }

  /**
   * Warmup over this many steps, then one half cosine.
   *
   * @param warmupSteps optimizer steps until the base rate is reached
   * @return the schedule
   */
  public static CosineWithRestarts steps(long warmupSteps) {
    return new CosineWithRestarts(Warmup.steps(warmupSteps), 1);
  }

  /**
   * Warmup over this ratio of all steps, then one half cosine.
   *
   * @param ratio warmup steps / all steps, in [0, 1]
   * @return the schedule
   */
  public static CosineWithRestarts ratio(double ratio) {
    return new CosineWithRestarts(Warmup.ratio(ratio), 1);
  }

  /**
   * The same with another number of half cosines.
   *
   * @param numCycles at least 1
   * @return a changed copy
   */
  public CosineWithRestarts numCycles(int numCycles) {
    return new CosineWithRestarts(warmup, numCycles);
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
    double progress = Totals.progress(step, warmupSteps, total);
    return progress >= 1
        ? 0
        : Math.max(0, 0.5 * (1 + Math.cos(Math.PI * (numCycles * progress % 1))));
  }
}
