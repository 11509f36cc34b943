package io.github.ggml4j.trainer.optim;

import java.util.OptionalLong;

/**
 * Linear warmup from 0, then half a cosine down to 0 at the last step: {@code
 * get_cosine_schedule_with_warmup} of Hugging Face with its default of half a cycle. Needs to know
 * the number of steps.
 *
 * @param warmupSteps optimizer steps until the base rate is reached
 */
public record CosineWarmup(long warmupSteps) implements Schedule {

  /** Checks the value. */
  public CosineWarmup {
    Checks.steps("CosineWarmup steps", warmupSteps);
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
            new IllegalArgumentException(
                "CosineWarmup needs the number of steps, which this dataset does not tell:"
                    + " set maxSteps, or use LinearWarmup or ConstantWarmup"));
    if (step < warmupSteps) {
      return (double) step / Math.max(1, warmupSteps);
    }
    double progress = (double) (step - warmupSteps) / Math.max(1, total - warmupSteps);
    return Math.max(0, 0.5 * (1 + Math.cos(Math.PI * progress)));
  }
}
