package io.github.ggml4j.trainer.optim;

/**
 * The values of one update.
 *
 * @param number number of the update, from 1
 * @param learningRate rate of this update
 * @param gradientScale factor on all gradients, from clipping; 1 without clipping
 */
public record UpdateStep(long number, float learningRate, float gradientScale) {}
