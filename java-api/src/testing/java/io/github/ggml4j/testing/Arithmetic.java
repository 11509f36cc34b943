package io.github.ggml4j.testing;

/**
 * How a device computes, and how far its results may be from the golden ones for that reason: the
 * one table of bounds.
 *
 * <p>Each test states the bound that float32 keeps on the CPU; a device with other arithmetic has a
 * wider one where that is narrower than what stands here. Bounds are relative, absolute for values
 * below 1, as each test says.
 *
 * <ul>
 *   <li>TF32 keeps 11 significant bits of both factors of a product, as F16 does, and sums in
 *       float32. The CPU computes nearly the same where weights are F16 and ggml's own product
 *       rounds the activations: over all golden models, errors are at most 1.4e-3 of the norm of
 *       the logits, and 1.9e-2 for a single one. Products of attention come on top, and tensor
 *       cores cut bits off where F16 is rounded: twice as much and a half.
 *   <li>Weights of half precision: ggml's products round activations to F16 or to BF16 (8 bits). On
 *       the CPU that is at most 2.2e-2 for a logit; GPUs may also sum in F16.
 * </ul>
 */
public enum Arithmetic {
  /** Kernels of our own on the CPU; activations are never rounded to half precision. */
  CPU(0, 0, 0, 0),

  /** ggml's ops on the CPU. */
  CPU_STOCK(0, 3e-2, 0, 0),

  /** ggml's ops on a GPU in float32: sums in another order, other exponentials. */
  GPU(1e-3, 5e-2, 1e-3, 1e-3),

  /** The same with products in TF32. */
  GPU_TF32(5e-2, 5e-2, 3e-2, 5e-3);

  private final double values;
  private final double halfValues;
  private final double gradients;
  private final double losses;

  Arithmetic(double values, double halfValues, double gradients, double losses) {
    this.values = values;
    this.halfValues = halfValues;
    this.gradients = gradients;
    this.losses = losses;
  }

  /** For logits and other results. */
  public double values(double tight) {
    return Math.max(tight, values);
  }

  /** For logits of models whose weights are F16 or BF16. */
  public double halfValues(double tight) {
    return Math.max(tight, halfValues);
  }

  /** For gradients, by norm. */
  public double gradients(double tight) {
    return Math.max(tight, gradients);
  }

  /** For losses, which are means over tokens. */
  public double losses(double tight) {
    return Math.max(tight, losses);
  }

  /** Whether this is float32 throughout, so that greedy outcomes without near ties are certain. */
  public boolean exact(boolean halfWeights) {
    return this != GPU_TF32 && (!halfWeights || this == CPU);
  }
}
