package io.github.ggml4j.trainer.schedule;

import io.github.ggml4j.error.InvalidArgumentException;
import io.github.ggml4j.internal.Check;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalLong;

/**
 * Reduces the learning rate if a metric has not improved for some evaluations: {@code
 * torch.optim.lr_scheduler.ReduceLROnPlateau}, Hugging Face's {@code reduce_lr_on_plateau}. There
 * is no warmup.
 *
 * @param learningRate base learning rate of the optimizer, at least 0
 * @param options when and by how much the rate is reduced
 * @param progress what is known of earlier evaluations
 */
public record ReduceOnPlateau(double learningRate, Options options, Progress progress)
    implements StatefulSchedule {

  /** Which metrics are better. */
  public enum Mode {
    /** Lower ones, such as those of a loss. */
    MIN,
    /** Higher ones, such as those of an accuracy. */
    MAX
  }

  /** How the threshold of an improvement is meant. */
  public enum ThresholdMode {
    /** A share of the best metric. */
    REL,
    /** A difference from the best metric. */
    ABS
  }

  /**
   * When and by how much the rate is reduced. The defaults are PyTorch's.
   *
   * @param mode which metrics are better; default {@link Mode#MIN}
   * @param factor factor of a reduction, in [0, 1); default 0.1
   * @param patience evaluations without improvement before a reduction, at least 0; default 10
   * @param threshold least improvement, at least 0; default 1e-4
   * @param thresholdMode meaning of the threshold; default {@link ThresholdMode#REL}
   * @param cooldown evaluations after a reduction that do not count, at least 0; default 0
   * @param minLr least learning rate, at least 0; default 0
   * @param eps least change of the learning rate, at least 0; smaller ones are not made; default
   *     1e-8
   */
  public record Options(
      Mode mode,
      double factor,
      int patience,
      double threshold,
      ThresholdMode thresholdMode,
      int cooldown,
      double minLr,
      double eps) {
    /** PyTorch's defaults. */
    public static final Options DEFAULTS =
        new Options(Mode.MIN, 0.1, 10, 1e-4, ThresholdMode.REL, 0, 0, 1e-8);

    /** Checks the values. */
    public Options {
      Check.fraction("factor", factor);
      Check.atLeast("patience", patience, 0);
      Check.notNegative("threshold", threshold);
      Check.atLeast("cooldown", cooldown, 0);
      Check.notNegative("minLr", minLr);
      Check.notNegative("eps", eps);
    }

    boolean isBetter(double metric, double best) {
      double sign = mode == Mode.MIN ? -1 : 1;
      double bound =
          thresholdMode == ThresholdMode.REL
              ? best * (1 + sign * threshold)
              : best + sign * threshold;
      return mode == Mode.MIN ? metric < bound : metric > bound;
    }
  }

  /**
   * What is known of earlier evaluations.
   *
   * @param rate the current learning rate
   * @param best the best metric; infinite before the first evaluation
   * @param badEvaluations evaluations without improvement since the last one with
   * @param cooldownLeft evaluations that do not count yet
   */
  public record Progress(double rate, double best, int badEvaluations, int cooldownLeft) {}

  /** Checks the rate. */
  public ReduceOnPlateau {
    Check.notNegative("learningRate", learningRate);
  }

  /**
   * PyTorch's defaults: a tenth of the rate after more than 10 evaluations without improvement.
   *
   * @param learningRate base learning rate of the optimizer
   * @return the schedule
   */
  public static ReduceOnPlateau learningRate(double learningRate) {
    return of(learningRate, Options.DEFAULTS);
  }

  /**
   * A schedule before the first evaluation.
   *
   * @param learningRate base learning rate of the optimizer
   * @param options when and by how much the rate is reduced
   * @return the schedule
   */
  public static ReduceOnPlateau of(double learningRate, Options options) {
    double worst = options.mode() == Mode.MIN ? Double.POSITIVE_INFINITY : Double.NEGATIVE_INFINITY;
    return new ReduceOnPlateau(learningRate, options, new Progress(learningRate, worst, 0, 0));
  }

  /**
   * The same with another factor.
   *
   * @param factor factor of a reduction, in [0, 1)
   * @return a changed copy
   */
  public ReduceOnPlateau factor(double factor) {
    var o = options;
    return of(
        learningRate,
        new Options(
            o.mode, factor, o.patience, o.threshold, o.thresholdMode, o.cooldown, o.minLr, o.eps));
  }

  /**
   * The same with another patience.
   *
   * @param evaluations without improvement before a reduction, at least 0
   * @return a changed copy
   */
  public ReduceOnPlateau patience(int evaluations) {
    var o = options;
    return of(
        learningRate,
        new Options(
            o.mode,
            o.factor,
            evaluations,
            o.threshold,
            o.thresholdMode,
            o.cooldown,
            o.minLr,
            o.eps));
  }

  @Override
  public double factor(long step, OptionalLong totalSteps) {
    return learningRate == 0 ? 1 : progress.rate / learningRate;
  }

  @Override
  public boolean usesTotalSteps() {
    return false;
  }

  @Override
  public void checkLearningRate(double rate) {
    Totals.checkSame(this, learningRate, rate);
  }

  @Override
  public ReduceOnPlateau evaluated(double metric) {
    boolean better = options.isBetter(metric, progress.best);
    double best = better ? metric : progress.best;
    int bad = better ? 0 : progress.badEvaluations + 1;
    int cooldown = progress.cooldownLeft;
    if (cooldown > 0) {
      cooldown--;
      bad = 0;
    }
    double rate = progress.rate;
    if (bad > options.patience) {
      double reduced = Math.max(rate * options.factor, options.minLr);
      if (rate - reduced > options.eps) {
        rate = reduced;
      }
      cooldown = options.cooldown;
      bad = 0;
    }
    return new ReduceOnPlateau(learningRate, options, new Progress(rate, best, bad, cooldown));
  }

  @Override
  public Map<String, Double> state() {
    var state = new LinkedHashMap<String, Double>();
    state.put("rate", progress.rate);
    state.put("best", progress.best);
    state.put("num_bad_epochs", (double) progress.badEvaluations);
    state.put("cooldown_counter", (double) progress.cooldownLeft);
    return state;
  }

  @Override
  public ReduceOnPlateau withState(Map<String, Double> state) {
    return new ReduceOnPlateau(
        learningRate,
        options,
        new Progress(
            number(state, "rate"),
            number(state, "best"),
            (int) number(state, "num_bad_epochs"),
            (int) number(state, "cooldown_counter")));
  }

  private static double number(Map<String, Double> state, String name) {
    var value = state.get(name);
    if (value == null) {
      throw new InvalidArgumentException("state", state.keySet(), "a number named " + name);
    }
    return value;
  }
}
