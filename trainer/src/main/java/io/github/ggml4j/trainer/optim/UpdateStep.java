package io.github.ggml4j.trainer.optim;

/**
 * The numbers of one update.
 *
 * @param number counts updates, from 1
 * @param learningRate rate of this update
 * @param gradientScale factor on all gradients, from clipping; 1 without clipping
 */
public record UpdateStep(long number, float learningRate, float gradientScale) {}
