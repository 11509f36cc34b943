package io.github.ggml4j.trainer.schedule;

import io.github.ggml4j.internal.Check;
import java.util.OptionalLong;

/**
 * Linear warmup from 0, then constant: {@code get_constant_schedule_with_warmup} of Hugging Face.
 * The first step has rate 0.
 *
 * @param warmupSteps optimizer steps until the base rate is reached
 */
public record ConstantWarmup(long warmupSteps) implements Schedule {

  /** Checks the value. */
  public ConstantWarmup {
    Check.atLeast("warmupSteps", warmupSteps, 0);
  }

  /**
   * Warmup over this many steps, then constant.
   *
   * @param warmupSteps optimizer steps until the base rate is reached
   * @return the schedule
   */
  public static ConstantWarmup steps(long warmupSteps) {
    return new ConstantWarmup(warmupSteps);
  }

  @Override
  public boolean usesTotalSteps() {
    return false;
  }

  @Override
  public double factor(long step, OptionalLong totalSteps) {
    return step < warmupSteps ? (double) step / Math.max(1, warmupSteps) : 1;
  }
}
