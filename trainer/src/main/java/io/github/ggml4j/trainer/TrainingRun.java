package io.github.ggml4j.trainer;

import io.github.ggml4j.trainer.internal.engine.BatchLoss;
import io.github.ggml4j.trainer.internal.engine.TrainingEngine;
import io.github.ggml4j.trainer.schedule.Schedule;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInput;
import java.io.DataInputStream;
import java.io.DataOutput;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/** The loop: passes over the data, steps, updates. */
final class TrainingRun {
  private static final int LARGEST_PLACE = 1 << 30;

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
  private int epoch;
  private long stepsInEpoch;

  /** Where in the pass an earlier training stopped, or this one did; null for its beginning. */
  private byte @Nullable [] place;

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

  /** Writes what it takes to go on, after this was cancelled. */
  void save(DataOutput out) throws IOException {
    out.writeLong(steps);
    out.writeInt(epoch);
    out.writeLong(stepsInEpoch);
    out.writeDouble(epochs);
    out.writeDouble(firstLoss);
    out.writeDouble(lastLoss);
    out.writeDouble(lossSum);
    out.writeLong(tokens);
    out.writeBoolean(place != null);
    if (place != null) {
      out.writeInt(place.length);
      out.write(place);
    }
  }

  /** Goes on from what {@link #save} wrote. */
  void restore(DataInput in) throws IOException {
    steps = in.readLong();
    epoch = in.readInt();
    stepsInEpoch = in.readLong();
    epochs = in.readDouble();
    firstLoss = in.readDouble();
    lastLoss = in.readDouble();
    lossSum = in.readDouble();
    tokens = in.readLong();
    int length = in.readBoolean() ? in.readInt() : 0;
    if (steps < 1 || epoch < 0 || length < 0 || length > LARGEST_PLACE) {
      throw new IOException("it is at step " + steps + " of epoch " + epoch);
    }
    byte[] at = new byte[length];
    in.readFully(at);
    place = length == 0 ? null : at;
  }

  /** Whether it was cancelled with something done. */
  boolean canGoOn() {
    return cancelled && steps > 0;
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
    return new TrainingPlan(epochs, stepsPerEpoch, total, 0);
  }

  TrainingResult run() {
    rate(0); // a schedule that needs a total it does not have says so here
    listener.started(
        new TrainingPlan(plan.epochs(), plan.stepsPerEpoch(), plan.totalSteps(), steps));
    long start = System.nanoTime();
    int lastEpoch = plan.epochs().orElse(Integer.MAX_VALUE);
    while (epoch < lastEpoch && !ended()) {
      runEpoch();
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

  private void runEpoch() {
    try (BatchReader reader = reader()) {
      while (!ended()) {
        long start = System.nanoTime();
        List<Batch> batches = reader.nextStep();
        if (ended()) {
          break; // while reading
        }
        if (batches.isEmpty()) {
          epoch++;
          stepsInEpoch = 0;
          epochs = epoch;
          return;
        }
        stepsInEpoch++;
        epochs =
            plan.stepsPerEpoch().isPresent()
                ? epoch + (double) stepsInEpoch / plan.stepsPerEpoch().getAsLong()
                : epoch;
        step(batches, start);
        reader.taken();
      }
      if (cancelled) {
        place = place(reader);
      }
    }
  }

  private BatchReader reader() {
    byte[] from = place;
    place = null;
    if (from == null) {
      return new BatchReader(sequences.open(epoch), options, padToken);
    }
    try (var in = new DataInputStream(new ByteArrayInputStream(from))) {
      return BatchReader.resume(sequences, epoch, options, padToken, in);
    } catch (IOException e) {
      throw new IllegalArgumentException(
          "The place in the data at which the training stopped is damaged: " + e.getMessage(), e);
    }
  }

  private static byte[] place(BatchReader reader) {
    var bytes = new ByteArrayOutputStream();
    try (var out = new DataOutputStream(bytes)) {
      reader.save(out);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
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
      BatchLoss micro =
          engine.accumulate(
              batch.tokens(),
              batch.labels(),
              null,
              batch.size(),
              batch.length(),
              (float) (1.0 / labels));
      sum += micro.sum();
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
