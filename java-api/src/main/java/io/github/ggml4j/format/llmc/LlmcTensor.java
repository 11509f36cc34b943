package io.github.ggml4j.format.llmc;

import io.github.ggml4j.tensor.DType;

/**
 * One weight of a file of llm.c.
 *
 * @param name PyTorch's name without {@code transformer.}, such as {@code h.0.attn.c_attn.weight}
 * @param dtype F32 or BF16
 * @param shape row-major, {@code (out, in)} for linear weights; rows that only pad the vocabulary
 *     are left out
 * @param offset first byte in the file
 */
@SuppressWarnings("ArrayRecordComponent") // a shape is read far more often than compared
public record LlmcTensor(String name, DType dtype, long[] shape, long offset) {
  /** Size in bytes. */
  public long byteSize() {
    long elements = 1;
    for (long dimension : shape) {
      elements *= dimension;
    }
    return dtype.byteSize(elements);
  }
}
