package io.github.ggml4j.trainer;

import io.github.ggml4j.tensor.MemoryEstimate;
import io.github.ggml4j.trainer.internal.engine.TrainingEngine;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * The training loop over epochs and steps. A checkpoint consists of its {@link TrainerState}, the
 * position in the data, the weights and the optimizer's state.
 */
final class TrainingRun {
  private final TrainingOptions options;
  private final TrainingEngine engine;
  private final Sequences sequences;
  private final int padToken;
  private final TrainingListener listener;
  private final Cancellation cancellation;
  private final TrainingPlan plan;
  private final TrainerState state;
  private final TrainerControl control;
  private final @Nullable Evaluator evaluator;
  private final @Nullable CheckpointSaver checkpoints;
  private final History history = new History();
  private boolean cancelled;
  private long started;
  private Optional<Path> checkpoint = Optional.empty();

  TrainingRun(
      TrainingOptions options,
      TrainingEngine engine,
      Sequences sequences,
      TrainingPlan plan,
      int padToken,
      TrainingListener listener,
      Cancellation cancellation,
      @Nullable Evaluator evaluator,
      @Nullable CheckpointSaver checkpoints) {
    this.options = options;
    this.engine = engine;
    this.sequences = sequences;
    this.padToken = padToken;
    this.listener = listener;
    this.cancellation = cancellation;
    this.plan = plan;
    this.state = new TrainerState(options.update().schedule());
    this.control = new TrainerControl(state);
    this.evaluator = evaluator;
    this.checkpoints = checkpoints;
  }

  /**
   * The plan of a new training.
   *
   * @param sequences number of sequences in each epoch; empty if unknown
   */
  static TrainingPlan plan(TrainingOptions options, OptionalLong sequences, MemoryEstimate memory) {
    OptionalInt epochs = options.length().lastEpoch();
    if (sequences.isEmpty()) {
      return new TrainingPlan(
          epochs.isPresent() ? OptionalDouble.of(epochs.getAsInt()) : OptionalDouble.empty(),
          OptionalLong.empty(),
          options.length().maxSteps(),
          0,
          memory);
    }
    long stepsPerEpoch = Math.ceilDiv(sequences.getAsLong(), options.batches().sequencesPerStep());
    long total = options.length().maxSteps().orElse(Long.MAX_VALUE);
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

  TrainingResult run() {
    if (checkpoints != null && !cancellation.requested()) {
      checkpoints.restore(state);
    }
    rateFactor(); // fails early if the schedule needs the unknown number of steps
    options.update().warnOfLongWarmup(plan.totalSteps());
    listener.onTrainBegin(plan.resumedAfter(state.globalStep()), control);
    started = System.nanoTime();
    if (options.evaluation().onStart() && state.globalStep() == 0) {
      evaluate();
    }
    double lastEpoch = plan.epochs().orElse(Double.POSITIVE_INFINITY);
    while (state.completedEpochs() < lastEpoch && !ended()) {
      runEpoch();
    }
    if (checkpoints != null && options.evaluation().saveBest() && !cancelled) {
      checkpoints.restoreBest(state);
    }
    return TrainingResult.of(state, endReason(), history, checkpoint);
  }

  private EndReason endReason() {
    if (cancelled) {
      return EndReason.CANCELLED;
    }
    if (stoppedEarly()) {
      return EndReason.EARLY_STOPPING;
    }
    if (control.stops()) {
      return EndReason.LISTENER;
    }
    return reachedMaxSteps() ? EndReason.MAX_STEPS : EndReason.EPOCHS;
  }

  private boolean reachedMaxSteps() {
    return state.globalStep() >= options.length().maxSteps().orElse(Long.MAX_VALUE);
  }

  private boolean stoppedEarly() {
    var patience = options.evaluation().patience();
    return patience.isPresent() && state.evaluationsWithoutImprovement() >= patience.getAsInt();
  }

  private boolean ended() {
    cancelled |= cancellation.requested();
    return cancelled || control.stops() || stoppedEarly() || reachedMaxSteps();
  }

  private void runEpoch() {
    try (BatchReader reader = reader()) {
      listener.onEpochBegin(control);
      while (!ended()) {
        long start = System.nanoTime();
        List<Batch> batches = reader.nextStep();
        if (ended()) {
          break; // cancelled while reading
        }
        if (batches.isEmpty() || control.takeStopEpoch()) {
          countTime();
          state.epochDone();
          listener.onEpochEnd(control);
          boolean best = options.evaluation().followsEpoch() && evaluate();
          if (best && options.evaluation().saveBest()) {
            save(new byte[0]);
          }
          return;
        }
        step(batches, start);
        reader.stepDone();
        afterStep(reader);
      }
      countTime();
      if (checkpoints != null && cancelled && state.globalStep() > 0) {
        checkpoint = Optional.of(checkpoints.saveNow(state, position(reader)));
      }
    }
  }

  private void afterStep(BatchReader reader) {
    long step = state.globalStep();
    boolean evaluates = options.evaluation().follows(step) || control.takeEvaluate();
    boolean best = evaluates && evaluate();
    if (options.checkpoints().savesAfter(step)
        || control.takeSave()
        || (best && options.evaluation().saveBest())) {
      save(position(reader));
    }
  }

  /** Returns whether the loss of the evaluation is the lowest so far. */
  private boolean evaluate() {
    EvaluationMetrics metrics = evaluator == null ? null : evaluator.evaluate(state);
    if (metrics == null) {
      return false;
    }
    boolean best = state.evaluated(metrics.loss(), options.evaluation().threshold().orElse(0));
    history.add(metrics);
    listener.onEvaluate(metrics, control);
    return best;
  }

  private void save(byte[] position) {
    if (checkpoints != null) {
      countTime();
      listener.onSave(checkpoints.save(state, position), control);
    }
  }

  private void countTime() {
    long now = System.nanoTime();
    state.addTime(now - started);
    started = now;
  }

  private BatchReader reader() {
    byte[] from = state.position();
    state.position(null);
    if (from == null) {
      return new BatchReader(sequences.open(state.completedEpochs()), options, padToken);
    }
    try (var in = new DataInputStream(new ByteArrayInputStream(from))) {
      return BatchReader.resume(sequences, state.completedEpochs(), options, padToken, in);
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
    listener.onStepBegin(control);
    long labels = 0;
    long tokens = 0;
    for (Batch batch : batches) {
      labels += batch.labelCount();
      tokens += batch.tokenCount();
    }
    double sum = 0;
    for (Batch batch : batches) {
      sum +=
          engine.accumulate(
              batch.tokens(), batch.labels(), batch.size(), batch.length(), (float) (1.0 / labels));
    }
    double loss = sum / labels;
    checkFinite("loss", loss);
    double factor = rateFactor();
    double rate = options.update().optimizer().learningRate() * factor;
    if (checkpoints != null) {
      checkpoints.awaitRead();
    }
    double norm = engine.update(factor, (float) options.update().clipNorm());
    checkFinite("norm of the gradients", norm);
    double seconds = (System.nanoTime() - start) / 1e9;
    state.stepDone(loss, tokens, plan.stepsPerEpoch().orElse(0));
    var metrics =
        new StepMetrics(
            state.globalStep(), state.epoch(), loss, rate, norm, tokens, tokens / seconds);
    history.add(metrics);
    listener.onStepEnd(metrics, control);
  }

  /** Factor of the next step on the base learning rates. */
  private double rateFactor() {
    return options.update().rateFactor(state.globalStep(), plan.totalSteps(), state.schedule())
        * state.learningRateScale();
  }

  private void checkFinite(String what, double value) {
    if (!Double.isFinite(value)) {
      throw new TrainingException(
          "The "
              + what
              + " is "
              + value
              + " in step "
              + (state.globalStep() + 1)
              + ": "
              + (state.globalStep() == 0
                  ? "the model's weights are damaged."
                  : "training has diverged. Use a lower learning rate, a longer warmup, or clip the"
                      + " gradients to a norm of 1.")
              + " Nothing was saved; files saved earlier are unchanged.");
    }
  }
}
