package io.github.ggml4j.trainer;

import io.github.ggml4j.error.InvalidArgumentException;
import io.github.ggml4j.internal.Check;
import io.github.ggml4j.model.Gpt2Config;
import io.github.ggml4j.trainer.optim.Optimizer;
import io.github.ggml4j.trainer.schedule.Schedule;
import io.github.ggml4j.trainer.schedule.StatefulSchedule;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.function.BiConsumer;

/**
 * How gradients change the weights.
 *
 * @param optimizer also sets the base learning rate
 * @param schedule how the learning rate changes
 * @param clipNorm maximum global norm of the gradients; 0 for no clipping
 * @param dropout one probability for all dropout layers; empty for those of the model's config
 */
record UpdateOptions(
    Optimizer optimizer, Schedule schedule, double clipNorm, OptionalDouble dropout) {
  UpdateOptions {
    Check.notNegative("clipNorm", clipNorm);
    dropout.ifPresent(value -> Check.fraction("dropout", value));
    schedule.checkLearningRate(optimizer.learningRate());
  }

  /** Checks what depends on other options. */
  void check(EvaluationOptions evaluation) {
    if (schedule instanceof StatefulSchedule && evaluation.dataset() == null) {
      throw new InvalidArgumentException(
          "schedule",
          schedule,
          "a schedule that does not depend on evaluations",
          "Give evaluation data with {evaluate}.");
    }
  }

  /**
   * The factor of a step on the optimizer's base learning rates.
   *
   * @param step the steps before it
   * @param schedule this schedule, or what evaluations made of it
   */
  double rateFactor(long step, OptionalLong totalSteps, Schedule schedule) {
    double factor = schedule.factor(step, totalSteps);
    if (!(factor >= 0) || Double.isInfinite(factor)) {
      throw new InvalidArgumentException(
          "schedule",
          schedule,
          "a schedule with finite factors of at least 0",
          "The factor of step " + (step + 1) + " is " + factor);
    }
    return factor;
  }

  /** Logs a warning if the warmup is longer than the training. */
  void warnOfLongWarmup(OptionalLong totalSteps) {
    long warmup = schedule.warmupSteps(totalSteps);
    long total = totalSteps.orElse(Long.MAX_VALUE);
    if (warmup > 0 && warmup >= total) {
      System.getLogger(Trainer.class.getName())
          .log(
              System.Logger.Level.WARNING,
              "The warmup (%d steps) is not shorter than the training (%d steps). The learning rate"
                      .formatted(warmup, total)
                  + " never reaches "
                  + optimizer.learningRate()
                  + ". Use a shorter warmup");
    }
  }

  /** Passes each option that changes the result of a training to a consumer, by name. */
  void identity(Gpt2Config config, OptionalLong totalSteps, BiConsumer<String, Object> out) {
    out.accept("clipNorm", clipNorm);
    out.accept(
        "dropout",
        "embd %s, resid %s, attn %s"
            .formatted(
                dropout.orElse(config.embdPdrop()),
                dropout.orElse(config.residPdrop()),
                dropout.orElse(config.attnPdrop())));
    TrainingIdentity.addOptimizer(optimizer, out);
    TrainingIdentity.addSchedule(schedule, totalSteps, out);
  }
}
