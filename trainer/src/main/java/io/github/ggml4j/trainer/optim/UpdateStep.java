package io.github.ggml4j.trainer.optim;

/**
 * The values of one update.
 *
 * @param number number of the update, from 1
 * @param rateFactor factor of this update on every base learning rate, from the schedule
 * @param gradientScale factor on all gradients, from clipping; 1 without clipping
 */
public record UpdateStep(long number, double rateFactor, float gradientScale) {
  /**
   * The learning rate of this update.
   *
   * @param base base learning rate of an optimizer
   */
  float learningRate(double base) {
    return (float) (base * rateFactor);
  }
}
