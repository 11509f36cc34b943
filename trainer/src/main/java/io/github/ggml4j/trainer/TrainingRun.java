package io.github.ggml4j.trainer;

import io.github.ggml4j.trainer.engine.MicroStep;
import io.github.ggml4j.trainer.engine.TrainingEngine;
import io.github.ggml4j.trainer.optim.Schedule;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;

/** The loop: passes over the data, steps, updates. */
final class TrainingRun {
  private final TrainingOptions options;
  private final TrainingEngine engine;
  private final Sequences sequences;
  private final int padToken;
  private final TrainingListener listener;
  private final Cancellation cancellation;
  private final TrainingPlan plan;

  private long steps;
  private double epochs;
  private double firstLoss = Double.NaN;
  private double lastLoss = Double.NaN;
  private double lossSum;
  private long tokens;
  private boolean cancelled;

  TrainingRun(
      TrainingOptions options,
      TrainingEngine engine,
      Sequences sequences,
      int padToken,
      TrainingListener listener,
      Cancellation cancellation) {
    this.options = options;
    this.engine = engine;
    this.sequences = sequences;
    this.padToken = padToken;
    this.listener = listener;
    this.cancellation = cancellation;
    this.plan = plan(options, sequences.count());
  }

  static TrainingPlan plan(TrainingOptions options, OptionalLong sequences) {
    // The data repeats as often as the steps need it when only their number is given.
    OptionalInt epochs =
        options.epochs().isPresent() || options.maxSteps().isPresent()
            ? options.epochs()
            : OptionalInt.of(1);
    long perStep = (long) options.batchSize() * options.gradientAccumulationSteps();
    OptionalLong stepsPerEpoch =
        sequences.isPresent()
            ? OptionalLong.of(Math.ceilDiv(sequences.getAsLong(), perStep))
            : OptionalLong.empty();
    OptionalLong total = options.maxSteps();
    if (epochs.isPresent() && stepsPerEpoch.isPresent()) {
      long all = Math.multiplyExact(stepsPerEpoch.getAsLong(), (long) epochs.getAsInt());
      total = OptionalLong.of(Math.min(all, options.maxSteps().orElse(all)));
    }
    return new TrainingPlan(epochs, stepsPerEpoch, total);
  }

  TrainingResult run() {
    rate(0); // a schedule that needs a total it does not have says so here
    listener.started(plan);
    long start = System.nanoTime();
    int lastEpoch = plan.epochs().orElse(Integer.MAX_VALUE);
    for (int epoch = 0; epoch < lastEpoch && !ended(); epoch++) {
      runEpoch(epoch);
    }
    return new TrainingResult(
        steps,
        epochs,
        firstLoss,
        lastLoss,
        steps == 0 ? Double.NaN : lossSum / steps,
        tokens,
        Duration.ofNanos(System.nanoTime() - start),
        cancelled,
        Optional.empty());
  }

  private boolean ended() {
    cancelled |= cancellation.requested();
    return cancelled || steps >= options.maxSteps().orElse(Long.MAX_VALUE);
  }

  private void runEpoch(int epoch) {
    try (BatchReader reader = new BatchReader(sequences.open(epoch), options, padToken)) {
      long stepsInEpoch = 0;
      while (!ended()) {
        long start = System.nanoTime();
        List<Batch> batches = reader.nextStep();
        if (ended()) {
          return; // while reading
        }
        if (batches.isEmpty()) {
          epochs = epoch + 1.0;
          return;
        }
        stepsInEpoch++;
        epochs =
            plan.stepsPerEpoch().isPresent()
                ? epoch + (double) stepsInEpoch / plan.stepsPerEpoch().getAsLong()
                : epoch;
        step(batches, start);
      }
    }
  }

  private void step(List<Batch> batches, long start) {
    long labels = 0;
    long stepTokens = 0;
    for (Batch batch : batches) {
      labels += batch.labelCount();
      stepTokens += batch.tokenCount();
    }
    double sum = 0;
    for (Batch batch : batches) {
      MicroStep micro =
          engine.accumulate(
              batch.tokens(),
              batch.labels(),
              null,
              batch.size(),
              batch.length(),
              (float) (1.0 / labels));
      sum += micro.lossSum();
    }
    double loss = sum / labels;
    checkFinite("loss", loss);
    double rate = rate(steps);
    double norm = engine.update((float) rate, (float) options.clipNorm());
    checkFinite("norm of the gradients", norm);
    double seconds = (System.nanoTime() - start) / 1e9;
    steps++;
    tokens += stepTokens;
    lossSum += loss;
    lastLoss = loss;
    if (steps == 1) {
      firstLoss = loss;
    }
    listener.stepped(
        new StepMetrics(steps, epochs, loss, rate, norm, stepTokens, stepTokens / seconds));
  }

  private double rate(long step) {
    Schedule schedule = options.schedule();
    double factor = schedule.factor(step, plan.totalSteps());
    if (!(factor >= 0) || Double.isInfinite(factor)) {
      throw new IllegalArgumentException(
          "The schedule "
              + schedule
              + " gives the factor "
              + factor
              + " in step "
              + (step + 1)
              + "; it must be a finite number >= 0");
    }
    return options.optimizer().learningRate() * factor;
  }

  private void checkFinite(String what, double value) {
    if (!Double.isFinite(value)) {
      throw new TrainingException(
          "The "
              + what
              + " is "
              + value
              + " in step "
              + (steps + 1)
              + ": "
              + (steps == 0
                  ? "the model's weights are damaged, or too large for its config."
                  : "training has diverged. Use a lower learning rate, a longer warmup, or clipNorm"
                      + " 1.")
              + " Nothing was saved; what was saved before is untouched.");
    }
  }
}
