package io.github.ggml4j.trainer.schedule;

import io.github.ggml4j.internal.Check;
import java.util.OptionalLong;

/**
 * Warmup, then the base rate, then decay over the last steps: {@code get_wsd_schedule} of Hugging
 * Face, its {@code warmup_stable_decay}. If neither the number of steps of the training nor that of
 * the stable part is known, the rate stays constant after the warmup.
 *
 * <p>Source: Hu et al., <a href="https://arxiv.org/abs/2404.06395">MiniCPM</a>.
 *
 * @param warmup when the base rate is reached
 * @param numDecaySteps steps of the decay, at least 0
 * @param numStableSteps steps between warmup and decay, at least 0; empty for all that remain
 * @param warmupType shape of the warmup; default linear
 * @param decayType shape of the decay; default cosine
 * @param minLrRatio rate at the start and the end / base rate, in [0, 1]; default 0
 * @param numCycles waves of a cosine decay, greater than 0; default 0.5
 */
public record WarmupStableDecay(
    Warmup warmup,
    long numDecaySteps,
    OptionalLong numStableSteps,
    Shape warmupType,
    Shape decayType,
    double minLrRatio,
    double numCycles)
    implements Schedule {
  /** How a rate moves between its ends. {@code p} goes from 0 to 1. */
  public enum Shape {
    /** Warmup {@code p}, decay {@code 1 - p}. */
    LINEAR,
    /** Warmup {@code (1 - cos(pi p)) / 2}, decay {@code (1 + cos(2 pi numCycles p)) / 2}. */
    COSINE,
    /** Warmup {@code 1 - sqrt(1 - p)}, decay {@code 1 - sqrt(p)}; {@code 1-sqrt} in Python. */
    ONE_MINUS_SQRT
  }

  /** Checks the values. */
  public WarmupStableDecay {
    Check.atLeast("numDecaySteps", numDecaySteps, 0);
    if (numStableSteps.isPresent()) {
      Check.atLeast("numStableSteps", numStableSteps.getAsLong(), 0);
    }
    Check.probability("minLrRatio", minLrRatio);
    Check.positive("numCycles", numCycles);
  }

  /**
   * Half a cosine down to 0 over the last steps, without warmup.
   *
   * @param numDecaySteps steps of the decay, at least 0
   * @return the schedule
   */
  public static WarmupStableDecay decaySteps(long numDecaySteps) {
    return new WarmupStableDecay(
        Warmup.NONE, numDecaySteps, OptionalLong.empty(), Shape.LINEAR, Shape.COSINE, 0, 0.5);
  }

  /**
   * The same with another warmup.
   *
   * @param warmup when the base rate is reached
   * @return a changed copy
   */
  public WarmupStableDecay warmup(Warmup warmup) {
    return new WarmupStableDecay(
        warmup, numDecaySteps, numStableSteps, warmupType, decayType, minLrRatio, numCycles);
  }

  /**
   * The same with a given number of steps between warmup and decay. Any further steps have the
   * least rate.
   *
   * @param steps at least 0
   * @return a changed copy
   */
  public WarmupStableDecay stableSteps(long steps) {
    return new WarmupStableDecay(
        warmup,
        numDecaySteps,
        OptionalLong.of(steps),
        warmupType,
        decayType,
        minLrRatio,
        numCycles);
  }

  /**
   * The same with other shapes.
   *
   * @param warmupType shape of the warmup
   * @param decayType shape of the decay
   * @return a changed copy
   */
  public WarmupStableDecay types(Shape warmupType, Shape decayType) {
    return new WarmupStableDecay(
        warmup, numDecaySteps, numStableSteps, warmupType, decayType, minLrRatio, numCycles);
  }

  /**
   * The same with another least rate.
   *
   * @param ratio rate at the start and the end / base rate, in [0, 1]
   * @return a changed copy
   */
  public WarmupStableDecay minLrRatio(double ratio) {
    return new WarmupStableDecay(
        warmup, numDecaySteps, numStableSteps, warmupType, decayType, ratio, numCycles);
  }

  @Override
  public long warmupSteps(OptionalLong totalSteps) {
    return warmup.steps(totalSteps);
  }

  @Override
  public boolean usesTotalSteps() {
    return warmup.usesTotalSteps() || numStableSteps.isEmpty();
  }

  @Override
  public double factor(long step, OptionalLong totalSteps) {
    long warmupSteps = warmup.steps(totalSteps);
    if (step < warmupSteps) {
      return aboveLeast(rising(Warmup.factor(step, warmupSteps)));
    }
    if (numStableSteps.isEmpty() && totalSteps.isEmpty()) {
      return 1;
    }
    long stable =
        numStableSteps.orElseGet(() -> totalSteps.getAsLong() - warmupSteps - numDecaySteps);
    long decayed = step - warmupSteps - stable;
    if (decayed < 0) {
      return 1;
    }
    return decayed < numDecaySteps
        ? aboveLeast(falling((double) decayed / Math.max(1, numDecaySteps)))
        : minLrRatio;
  }

  private double rising(double progress) {
    return switch (warmupType) {
      case LINEAR -> progress;
      case COSINE -> 0.5 * (1 - Math.cos(Math.PI * progress));
      case ONE_MINUS_SQRT -> 1 - Math.sqrt(1 - progress);
    };
  }

  private double falling(double progress) {
    return switch (decayType) {
      case LINEAR -> 1 - progress;
      case COSINE -> CosineWarmup.wave(progress, numCycles);
      case ONE_MINUS_SQRT -> 1 - Math.sqrt(progress);
    };
  }

  private double aboveLeast(double factor) {
    return Math.max(0, factor * (1 - minLrRatio) + minLrRatio);
  }
}
