package io.github.ggml4j.trainer;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/**
 * How a training ended. For a resumed training, all numbers include what was done before it was
 * interrupted.
 *
 * @param steps optimizer steps done
 * @param epochs passes over the data done, with the fraction of the last one
 * @param firstLoss loss of the first step; NaN without a step
 * @param lastLoss loss of the last step; NaN without a step
 * @param meanLoss mean loss of all steps; NaN without a step
 * @param tokens tokens trained on, without masked padding
 * @param duration time that all steps took, reading of their data included
 * @param cancelled whether it was stopped before its end
 * @param savedTo where the model was saved
 * @param checkpoint the file from which it resumes; empty unless it was cancelled after at least
 *     one step and {@link Trainer#checkpoint} was set
 */
public record TrainingResult(
    long steps,
    double epochs,
    double firstLoss,
    double lastLoss,
    double meanLoss,
    long tokens,
    Duration duration,
    boolean cancelled,
    Optional<Path> savedTo,
    Optional<Path> checkpoint) {

  TrainingResult withFiles(Optional<Path> newSavedTo, Optional<Path> newCheckpoint) {
    return new TrainingResult(
        steps,
        epochs,
        firstLoss,
        lastLoss,
        meanLoss,
        tokens,
        duration,
        cancelled,
        newSavedTo,
        newCheckpoint);
  }
}
