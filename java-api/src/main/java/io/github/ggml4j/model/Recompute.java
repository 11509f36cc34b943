package io.github.ggml4j.model;

/**
 * What the backward pass of a training computes again instead of keeping it, as {@code
 * gradient_checkpointing} of transformers. The gradients are the same to the last bit; a training
 * takes more time and less memory.
 */
public enum Recompute {
  /**
   * Nothing but the outputs of LayerNorm and of the activation function, which take little time.
   */
  NONE,
  /**
   * {@code ln_1} and {@code c_attn} of each block; keeps about 3 nEmbd less per token and layer.
   */
  ATTENTION,
  /** Each block; keeps only its input, nEmbd per token and layer. */
  BLOCK
}
