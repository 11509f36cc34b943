package io.github.ggml4j.trainer;

/**
 * One finished step.
 *
 * @param step optimizer step, counted from 1
 * @param epoch completed passes over the data, including the fraction of the current one; a whole
 *     number if the length of the data is unknown
 * @param loss mean cross entropy (nats) over all labels of the step, before its update
 * @param learningRate rate of this step's update
 * @param gradNorm global norm of the gradients before clipping
 * @param tokens tokens of this step, without masked padding
 * @param tokensPerSecond {@code tokens} divided by the time of the step
 */
public record StepMetrics(
    long step,
    double epoch,
    double loss,
    double learningRate,
    double gradNorm,
    long tokens,
    double tokensPerSecond) {}
