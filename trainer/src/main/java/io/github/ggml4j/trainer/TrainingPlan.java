package io.github.ggml4j.trainer;

import io.github.ggml4j.tensor.MemoryEstimate;
import java.util.OptionalDouble;
import java.util.OptionalLong;

/**
 * The size of a training, as known before its first step.
 *
 * @param epochs passes over the data; a fraction if {@code maxSteps} ends the training within a
 *     pass; empty if only {@code maxSteps} is set and the length of the data is unknown
 * @param stepsPerEpoch optimizer steps of one pass; empty for data of unknown length
 * @param totalSteps optimizer steps of the whole training; empty for data of unknown length
 * @param stepsDone optimizer steps done before this training was interrupted and resumed; 0 for a
 *     new training
 * @param memory the estimate of the device memory, which was checked with the lengths of the data
 */
public record TrainingPlan(
    OptionalDouble epochs,
    OptionalLong stepsPerEpoch,
    OptionalLong totalSteps,
    long stepsDone,
    MemoryEstimate memory) {

  TrainingPlan resumedAfter(long steps) {
    return new TrainingPlan(epochs, stepsPerEpoch, totalSteps, steps, memory);
  }
}
