package io.github.ggml4j.trainer.optim;

import io.github.ggml4j.tensor.Tensor;

/**
 * All parameters of a model as one vector. One vector needs fewer ops per update than many tensors.
 *
 * @param values F32 (n,): the parameters. Matrices (weights and embeddings) come first, then
 *     vectors (biases and LayerNorm weights)
 * @param gradients F32 (n,): their gradients, in the same order
 * @param matrixElements elements of {@code values} that belong to matrices
 */
public record ParameterVector(Tensor values, Tensor gradients, long matrixElements) {

  /**
   * Length of the vector.
   *
   * @return n
   */
  public long elements() {
    return values.elements();
  }
}
