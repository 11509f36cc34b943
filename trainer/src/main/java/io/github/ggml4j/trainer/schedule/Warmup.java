package io.github.ggml4j.trainer.schedule;

import io.github.ggml4j.error.InvalidArgumentException;
import io.github.ggml4j.internal.Check;
import java.util.OptionalLong;

/**
 * The part of a training in which the learning rate rises from 0 to the base rate: a number of
 * optimizer steps, or a ratio of all steps.
 */
public sealed interface Warmup {
  /** No warmup. */
  Warmup NONE = steps(0);

  /**
   * A number of steps.
   *
   * @param steps optimizer steps until the base rate is reached, at least 0
   */
  static Warmup steps(long steps) {
    return new Steps(steps);
  }

  /**
   * A ratio of the steps of the training, rounded up, as Hugging Face's {@code warmup_ratio}.
   *
   * @param ratio in [0, 1]
   */
  static Warmup ratio(double ratio) {
    return new Ratio(ratio);
  }

  /**
   * The number of warmup steps.
   *
   * @param totalSteps number of optimizer steps of the whole training; empty if unknown
   * @throws IllegalArgumentException if it is a ratio and the total is unknown
   */
  long steps(OptionalLong totalSteps);

  /** Whether {@link #steps(OptionalLong)} depends on the total. */
  boolean usesTotalSteps();

  /**
   * The factor of a linear warmup: {@code step / max(1, warmup)}.
   *
   * @param step optimizer step, from 0, less than {@code warmup}
   */
  static double factor(long step, long warmup) {
    return (double) step / Math.max(1, warmup);
  }

  /**
   * A number of steps.
   *
   * @param steps at least 0
   */
  record Steps(long steps) implements Warmup {
    /** Checks the value. */
    public Steps {
      Check.atLeast("warmupSteps", steps, 0);
    }

    @Override
    public long steps(OptionalLong totalSteps) {
      return steps;
    }

    @Override
    public boolean usesTotalSteps() {
      return false;
    }

    @Override
    public String toString() {
      return steps + " steps";
    }
  }

  /**
   * A ratio of all steps.
   *
   * @param ratio in [0, 1]
   */
  record Ratio(double ratio) implements Warmup {
    /** Checks the value. */
    public Ratio {
      Check.probability("warmupRatio", ratio);
    }

    @Override
    public long steps(OptionalLong totalSteps) {
      if (totalSteps.isEmpty()) {
        throw new InvalidArgumentException(
            "warmupRatio",
            ratio,
            "{warmupSteps} if the number of steps is unknown",
            "The length of this dataset is unknown. Set {maxSteps} to use a ratio");
      }
      return (long) Math.ceil(totalSteps.getAsLong() * ratio);
    }

    @Override
    public boolean usesTotalSteps() {
      return true;
    }

    @Override
    public String toString() {
      return "ratio " + ratio;
    }
  }
}
