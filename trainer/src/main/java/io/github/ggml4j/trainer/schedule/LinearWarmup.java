package io.github.ggml4j.trainer.schedule;

import io.github.ggml4j.internal.Check;
import java.util.OptionalLong;

/**
 * Linear warmup from 0, then linear decay to 0 at the last step: {@code
 * get_linear_schedule_with_warmup} of Hugging Face. The first step has rate 0. If the number of
 * steps is unknown, as with an endless stream, the rate stays constant after the warmup.
 *
 * @param warmupSteps optimizer steps until the base rate is reached
 */
public record LinearWarmup(long warmupSteps) implements Schedule {

  /** Checks the value. */
  public LinearWarmup {
    Check.atLeast("warmupSteps", warmupSteps, 0);
  }

  /**
   * Warmup over this many steps, then linear decay.
   *
   * @param warmupSteps optimizer steps until the base rate is reached
   * @return the schedule
   */
  public static LinearWarmup steps(long warmupSteps) {
    return new LinearWarmup(warmupSteps);
  }

  @Override
  public double factor(long step, OptionalLong totalSteps) {
    if (step < warmupSteps) {
      return (double) step / Math.max(1, warmupSteps);
    }
    if (totalSteps.isEmpty()) {
      return 1;
    }
    long total = totalSteps.getAsLong();
    return Math.max(0, (double) (total - step) / Math.max(1, total - warmupSteps));
  }
}
