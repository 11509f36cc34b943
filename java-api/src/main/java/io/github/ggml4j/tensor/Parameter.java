package io.github.ggml4j.tensor;

import org.jspecify.annotations.Nullable;

/**
 * A weight of a model under its name.
 *
 * @param name Hugging Face's name without {@code transformer.}, such as {@code
 *     h.0.attn.c_attn.weight}
 * @param value the weight
 * @param gradient its gradient is accumulated here, F32 of the same shape; null if the weight is
 *     not trained
 */
public record Parameter(String name, Tensor value, @Nullable Tensor gradient) {
  public Parameter {
    if (gradient != null
        && (gradient.type() != DType.F32
            || gradient.elements() != value.elements()
            || !gradient.contiguous()
            || gradient.readOnly())) {
      throw new IllegalArgumentException(
          "Gradient of " + name + " is " + gradient + ", expected F32 of the shape of " + value);
    }
  }
}
