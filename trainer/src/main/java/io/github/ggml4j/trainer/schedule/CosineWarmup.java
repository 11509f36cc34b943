package io.github.ggml4j.trainer.schedule;

import io.github.ggml4j.error.InvalidArgumentException;
import io.github.ggml4j.internal.Check;
import java.util.OptionalLong;

/**
 * Linear warmup from 0, then half a cosine down to 0 at the last step: {@code
 * get_cosine_schedule_with_warmup} of Hugging Face with its default of half a cycle. Needs a known
 * number of steps.
 *
 * @param warmupSteps optimizer steps until the base rate is reached
 */
public record CosineWarmup(long warmupSteps) implements Schedule {

  /** Checks the value. */
  public CosineWarmup {
    Check.atLeast("warmupSteps", warmupSteps, 0);
  }

  /**
   * Warmup over this many steps, then cosine decay.
   *
   * @param warmupSteps optimizer steps until the base rate is reached
   * @return the schedule
   */
  public static CosineWarmup steps(long warmupSteps) {
    return new CosineWarmup(warmupSteps);
  }

  @Override
  public double factor(long step, OptionalLong totalSteps) {
    long total =
        totalSteps.orElseThrow(() ->
            new InvalidArgumentException(
                "schedule",
                this,
                "LinearWarmup or ConstantWarmup if the number of steps is unknown",
                "The length of this dataset is unknown. Set {maxSteps} to use CosineWarmup"));
    if (step < warmupSteps) {
      return (double) step / Math.max(1, warmupSteps);
    }
    double progress = (double) (step - warmupSteps) / Math.max(1, total - warmupSteps);
    return Math.max(0, 0.5 * (1 + Math.cos(Math.PI * progress)));
  }
}
