package io.github.ggml4j.trainer.schedule;

import io.github.ggml4j.error.InvalidArgumentException;
import io.github.ggml4j.internal.Check;
import java.util.OptionalLong;

/**
 * Linear warmup from 0, then {@code lrEnd + (learningRate - lrEnd) * remaining ^ power}, where
 * {@code remaining} falls from 1 to 0: {@code get_polynomial_decay_schedule_with_warmup} of Hugging
 * Face, its {@code polynomial}. Needs a known number of steps.
 *
 * @param learningRate base learning rate of the optimizer, greater than {@code lrEnd}
 * @param warmup when the base rate is reached
 * @param lrEnd learning rate at the last step, at least 0; default 1e-7
 * @param power exponent, greater than 0; default 1
 */
public record Polynomial(double learningRate, Warmup warmup, double lrEnd, double power)
    implements Schedule {
  /** Checks the values. */
  public Polynomial {
    Check.notNegative("lrEnd", lrEnd);
    Check.positive("power", power);
    if (!(learningRate > lrEnd) || Double.isInfinite(learningRate)) {
      throw new InvalidArgumentException(
          "lrEnd", lrEnd, "less than {learningRate}, which is " + learningRate);
    }
  }

  /**
   * Linear decay to 1e-7 without warmup.
   *
   * @param learningRate base learning rate of the optimizer
   * @return the schedule
   */
  public static Polynomial learningRate(double learningRate) {
    return new Polynomial(learningRate, Warmup.NONE, 1e-7, 1);
  }

  /**
   * The same with another warmup.
   *
   * @param warmup when the base rate is reached
   * @return a changed copy
   */
  public Polynomial warmup(Warmup warmup) {
    return new Polynomial(learningRate, warmup, lrEnd, power);
  }

  /**
   * The same with another last rate.
   *
   * @param lrEnd learning rate at the last step, at least 0
   * @return a changed copy
   */
  public Polynomial lrEnd(double lrEnd) {
    return new Polynomial(learningRate, warmup, lrEnd, power);
  }

  /**
   * The same with another exponent.
   *
   * @param power greater than 0
   * @return a changed copy
   */
  public Polynomial power(double power) {
    return new Polynomial(learningRate, warmup, lrEnd, power);
  }

  @Override
  public void checkLearningRate(double rate) {
    Totals.checkSame(this, learningRate, rate);
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
    if (step >= total) {
      return lrEnd / learningRate;
    }
    double remaining = 1 - (double) (step - warmupSteps) / (total - warmupSteps);
    return ((learningRate - lrEnd) * Math.pow(remaining, power) + lrEnd) / learningRate;
  }
}
