package io.github.ggml4j.format.safetensors;

import io.github.ggml4j.tensor.DType;

/**
 * One tensor of a safetensors file.
 *
 * @param name name in the file
 * @param dtype element type
 * @param shape row-major, outermost dimension first; empty for a scalar
 * @param begin first byte, counted from the start of the tensor data
 * @param end the byte after the last one
 */
@SuppressWarnings("ArrayRecordComponent") // a shape is read far more often than compared
public record SafetensorsEntry(String name, DType dtype, long[] shape, long begin, long end) {
  /** Size in bytes. */
  public long byteSize() {
    return end - begin;
  }
}
