package io.github.ggml4j.model;

import io.github.ggml4j.tensor.DType;
import java.util.Arrays;

/**
 * Type, shape and layout of a weight in its source.
 *
 * @param name canonical name, such as {@code h.0.attn.c_attn.weight}
 * @param dtype element type
 * @param shape row-major, outermost dimension first, as stored: {@code (in, out)} for the linear
 *     weights of Hugging Face files, {@code (out, in)} for those of GGUF files
 * @param transposed whether this is a linear weight stored as {@code (in, out)} (Hugging Face's
 *     Conv1D), which is transposed when the model is loaded
 */
@SuppressWarnings("ArrayRecordComponent") // a shape is read far more often than compared
public record WeightInfo(String name, DType dtype, long[] shape, boolean transposed) {
  /** Number of elements. */
  public long elements() {
    return WeightSpec.elements(shape);
  }

  /** Size in bytes. */
  public long byteSize() {
    return dtype.byteSize(elements());
  }

  /** Name, type and shape, for messages. */
  @Override
  public String toString() {
    return name + " " + dtype + " " + Arrays.toString(shape) + (transposed ? " transposed" : "");
  }
}
