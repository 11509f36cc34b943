package io.github.ggml4j.trainer;

import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * What a training is going to do, as known before its first step.
 *
 * @param epochs passes over the data; empty when only the number of steps is set
 * @param stepsPerEpoch optimizer steps of one pass; empty for data of unknown length
 * @param totalSteps optimizer steps of the whole training; empty for data of unknown length
 * @param stepsDone optimizer steps of an earlier training that this one goes on from
 */
public record TrainingPlan(
    OptionalInt epochs, OptionalLong stepsPerEpoch, OptionalLong totalSteps, long stepsDone) {}
