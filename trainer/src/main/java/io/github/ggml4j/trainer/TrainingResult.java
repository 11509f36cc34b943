package io.github.ggml4j.trainer;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

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
    Optional<Path> savedTo,
    Optional<Path> checkpoint) {

  static TrainingResult of(TrainerState state, EndReason endReason, Optional<Path> checkpoint) {
    return new TrainingResult(
        state.globalStep(),
        state.epoch(),
        state.firstLoss(),
        state.lastLoss(),
        state.meanLoss(),
        state.tokens(),
        state.duration(),
        endReason,
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
        Optional.of(path),
        checkpoint);
  }
}
