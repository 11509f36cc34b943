package io.github.ggml4j.trainer;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;

/**
 * The result of a training. For a resumed training, all numbers include the steps before the
 * interruption.
 *
 * @param steps optimizer steps done
 * @param epochs completed passes over the data, including the fraction of the last one
 * @param firstLoss loss of the first step; NaN without a step
 * @param lastLoss loss of the last step; NaN without a step
 * @param meanLoss mean loss of all steps; NaN without a step
 * @param tokens tokens trained on, without masked padding
 * @param duration total time of all steps, including reading their data
 * @param endReason why it ended
 * @param bestStep step after which the evaluation had the lowest loss; empty without an evaluation
 * @param bestLoss lowest loss of an evaluation; empty without an evaluation
 * @param history the steps since the training began or was resumed; of a long training every
 *     second, fourth, ... step, fewer than 10,000
 * @param evaluations the evaluations since the training began or was resumed
 * @param savedTo path of the saved model; empty if {@link Trainer#saveTo} was not set or no step
 *     was done
 * @param checkpoint the checkpoint from which the training can resume; empty unless {@link
 *     Trainer#checkpoints} was set and the training was cancelled after at least one step
 */
public record TrainingResult(
    long steps,
    double epochs,
    double firstLoss,
    double lastLoss,
    double meanLoss,
    long tokens,
    Duration duration,
    EndReason endReason,
    OptionalLong bestStep,
    OptionalDouble bestLoss,
    List<StepMetrics> history,
    List<EvaluationMetrics> evaluations,
    Optional<Path> savedTo,
    Optional<Path> checkpoint) {

  static TrainingResult of(
      TrainerState state, EndReason endReason, History history, Optional<Path> checkpoint) {
    boolean evaluated = !Double.isNaN(state.bestLoss());
    return new TrainingResult(
        state.globalStep(),
        state.epoch(),
        state.firstLoss(),
        state.lastLoss(),
        state.meanLoss(),
        state.tokens(),
        state.duration(),
        endReason,
        evaluated ? OptionalLong.of(state.bestStep()) : OptionalLong.empty(),
        evaluated ? OptionalDouble.of(state.bestLoss()) : OptionalDouble.empty(),
        history.steps(),
        history.evaluations(),
        Optional.empty(),
        checkpoint);
  }

  /**
   * Whether the training was cancelled before its end.
   *
   * @return true if {@link #endReason} is {@link EndReason#CANCELLED}
   */
  public boolean cancelled() {
    return endReason == EndReason.CANCELLED;
  }

  TrainingResult withSavedTo(Path path) {
    return new TrainingResult(
        steps,
        epochs,
        firstLoss,
        lastLoss,
        meanLoss,
        tokens,
        duration,
        endReason,
        bestStep,
        bestLoss,
        history,
        evaluations,
        Optional.of(path),
        checkpoint);
  }
}
