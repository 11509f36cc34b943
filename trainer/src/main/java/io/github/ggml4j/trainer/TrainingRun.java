package io.github.ggml4j.trainer;

import io.github.ggml4j.error.InvalidArgumentException;
import io.github.ggml4j.tensor.MemoryEstimate;
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
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * The training loop over epochs and steps. A checkpoint consists of its state and the engine's
 * state.
 */
final class TrainingRun {
  private static final int MAX_POSITION_BYTES = 1 << 30;

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
  private long nanos;
  private boolean cancelled;
  private int epoch;
  private long stepsInEpoch;

  /** Position in the data from which to resume the current epoch; null to start an epoch. */
  private byte @Nullable [] position;

  TrainingRun(
      TrainingOptions options,
      TrainingEngine engine,
      Sequences sequences,
      TrainingPlan plan,
      int padToken,
      TrainingListener listener,
      Cancellation cancellation) {
    this.options = options;
    this.engine = engine;
    this.sequences = sequences;
    this.padToken = padToken;
    this.listener = listener;
    this.cancellation = cancellation;
    this.plan = plan;
  }

  /** Writes the state from which a cancelled training resumes. */
  void save(DataOutput out) throws IOException {
    out.writeLong(steps);
    out.writeInt(epoch);
    out.writeLong(stepsInEpoch);
    out.writeDouble(epochs);
    out.writeDouble(firstLoss);
    out.writeDouble(lastLoss);
    out.writeDouble(lossSum);
    out.writeLong(tokens);
    out.writeLong(nanos);
    out.writeInt(position == null ? 0 : position.length);
    if (position != null) {
      out.write(position);
    }
  }

  /** Restores what {@link #save} wrote. */
  void restore(DataInput in) throws IOException {
    steps = in.readLong();
    epoch = in.readInt();
    stepsInEpoch = in.readLong();
    epochs = in.readDouble();
    firstLoss = in.readDouble();
    lastLoss = in.readDouble();
    lossSum = in.readDouble();
    tokens = in.readLong();
    nanos = in.readLong();
    int length = in.readInt();
    if (steps < 1 || epoch < 0 || nanos < 0 || length < 0 || length > MAX_POSITION_BYTES) {
      throw new IOException("it has step " + steps + " and epoch " + epoch);
    }
    byte[] read = new byte[length];
    in.readFully(read);
    position = length == 0 ? null : read;
  }

  /** Whether this was cancelled after at least one step. */
  boolean canResume() {
    return cancelled && steps > 0;
  }

  /**
   * The plan of a new training.
   *
   * @param sequences number of sequences in each epoch; empty if unknown
   */
  static TrainingPlan plan(TrainingOptions options, OptionalLong sequences, MemoryEstimate memory) {
    // If only maxSteps is set, the data is repeated until that many steps are done.
    OptionalInt epochs =
        options.epochs().isPresent() || options.maxSteps().isPresent()
            ? options.epochs()
            : OptionalInt.of(Trainer.DEFAULT_EPOCHS);
    if (sequences.isEmpty()) {
      return new TrainingPlan(
          epochs.isPresent() ? OptionalDouble.of(epochs.getAsInt()) : OptionalDouble.empty(),
          OptionalLong.empty(),
          options.maxSteps(),
          0,
          memory);
    }
    long sequencesPerStep = (long) options.batchSize() * options.gradientAccumulationSteps();
    long stepsPerEpoch = Math.ceilDiv(sequences.getAsLong(), sequencesPerStep);
    long total = options.maxSteps().orElse(Long.MAX_VALUE);
    if (epochs.isPresent()) {
      total = Math.min(total, Math.multiplyExact(stepsPerEpoch, (long) epochs.getAsInt()));
    }
    // The count is 0 only if reading was interrupted.
    double reached = stepsPerEpoch == 0 ? epochs.orElse(1) : (double) total / stepsPerEpoch;
    return new TrainingPlan(
        OptionalDouble.of(reached),
        OptionalLong.of(stepsPerEpoch),
        OptionalLong.of(total),
        0,
        memory);
  }

  /** The plan as known before the first step. */
  TrainingPlan plan() {
    return plan;
  }

  TrainingResult run() {
    rate(0); // fails early if the schedule needs the unknown number of steps
    warnOfLongWarmup();
    listener.started(
        new TrainingPlan(
            plan.epochs(), plan.stepsPerEpoch(), plan.totalSteps(), steps, plan.memory()));
    long start = System.nanoTime();
    double lastEpoch = plan.epochs().orElse(Double.POSITIVE_INFINITY);
    while (epoch < lastEpoch && !ended()) {
      runEpoch();
    }
    nanos += System.nanoTime() - start;
    return new TrainingResult(
        steps,
        epochs,
        firstLoss,
        lastLoss,
        steps == 0 ? Double.NaN : lossSum / steps,
        tokens,
        Duration.ofNanos(nanos),
        cancelled,
        Optional.empty(),
        Optional.empty());
  }

  private void warnOfLongWarmup() {
    long warmup = options.schedule().warmupSteps();
    long total = plan.totalSteps().orElse(Long.MAX_VALUE);
    if (warmup > 0 && warmup >= total) {
      System.getLogger(Trainer.class.getName())
          .log(
              System.Logger.Level.WARNING,
              "The warmup ("
                  + warmup
                  + " steps) is not shorter than the training ("
                  + total
                  + " steps). The learning rate never reaches "
                  + options.optimizer().learningRate()
                  + ". Use a shorter warmup");
    }
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
          break; // cancelled while reading
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
        reader.stepDone();
      }
      if (cancelled) {
        position = position(reader);
      }
    }
  }

  private BatchReader reader() {
    byte[] from = position;
    position = null;
    if (from == null) {
      return new BatchReader(sequences.open(epoch), options, padToken);
    }
    try (var in = new DataInputStream(new ByteArrayInputStream(from))) {
      return BatchReader.resume(sequences, epoch, options, padToken, in);
    } catch (IOException e) {
      throw new IllegalArgumentException(
          "The checkpoint's position in the data is damaged: " + e.getMessage(), e);
    }
  }

  private static byte[] position(BatchReader reader) {
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
      sum +=
          engine.accumulate(
              batch.tokens(), batch.labels(), batch.size(), batch.length(), (float) (1.0 / labels));
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
      throw new InvalidArgumentException(
          "schedule",
          schedule,
          "a schedule with finite factors of at least 0",
          "The factor of step " + (step + 1) + " is " + factor);
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
                  ? "the model's weights are damaged."
                  : "training has diverged. Use a lower learning rate, a longer warmup, or clip the"
                      + " gradients to a norm of 1.")
              + " Nothing was saved; files saved earlier are unchanged.");
    }
  }
}
