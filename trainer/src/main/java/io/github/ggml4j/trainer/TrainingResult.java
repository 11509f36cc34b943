package io.github.ggml4j.trainer;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/**
 * How a training ended.
 *
 * @param steps optimizer steps done
 * @param epochs passes over the data done, with the fraction of the last one
 * @param firstLoss loss of the first step; NaN without a step
 * @param lastLoss loss of the last step; NaN without a step
 * @param meanLoss mean loss of all steps; NaN without a step
 * @param tokens tokens trained on, padding that is masked left out
 * @param duration time from the first step to the last
 * @param cancelled whether it was stopped before its end
 * @param savedTo where the model was saved
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
    Optional<Path> savedTo) {}
