package io.github.ggml4j.trainer.optim;

import io.github.ggml4j.tensor.DType;

/**
 * A state vector of an optimizer. It is zero before the first update.
 *
 * @param name as in PyTorch's {@code state_dict}: {@code exp_avg}
 * @param type of its elements
 * @param elements its length; a vector of length 0 is left out
 */
public record StateSpec(String name, DType type, long elements) {
  /** An F32 vector. */
  public static StateSpec f32(String name, long elements) {
    return new StateSpec(name, DType.F32, elements);
  }
}
