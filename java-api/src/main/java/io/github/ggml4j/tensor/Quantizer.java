package io.github.ggml4j.tensor;

import io.github.ggml4j.bindings.NativeLibrary;
import io.github.ggml4j.bindings.ffi.Ggml;
import java.lang.foreign.MemorySegment;

/** Conversion of rows of floats to a quantized type, by ggml's own quantizers. Thread-safe. */
public final class Quantizer {
  private final DType type;

  /**
   * A quantizer.
   *
   * @throws IllegalArgumentException when weights cannot be of this type, or it needs an importance
   *     matrix
   */
  public Quantizer(DType type) {
    NativeLibrary.load();
    boolean weights =
        type.isQuantized() && type.isGgml() && type != DType.Q8_1 && type != DType.Q8_K;
    if (!weights) {
      throw new IllegalArgumentException(
          "type is " + type + ", expected a quantized type for weights, such as Q8_0 or Q4_K");
    }
    if (Ggml.ggml_quantize_requires_imatrix(type.ggmlId())) {
      throw new IllegalArgumentException(
          "type is "
              + type
              + ", which needs an importance matrix; use Q8_0, Q6_K, Q5_K, Q4_K or Q4_0");
    }
    this.type = type;
  }

  /**
   * Quantizes a matrix.
   *
   * @param floats {@code (rows, columns)} F32, native memory
   * @param columns a multiple of the type's block size
   * @param target takes {@code type.byteSize(rows * columns)} bytes, native memory
   */
  public void quantize(MemorySegment floats, long rows, long columns, MemorySegment target) {
    if (columns % type.blockSize() != 0
        || floats.byteSize() < 4 * rows * columns
        || target.byteSize() < type.byteSize(rows * columns)) {
      throw new IllegalArgumentException(
          "Cannot quantize "
              + rows
              + " rows of "
              + columns
              + " from "
              + floats.byteSize()
              + " bytes to "
              + target.byteSize()
              + " bytes of "
              + type);
    }
    Ggml.ggml_quantize_chunk(type.ggmlId(), floats, target, 0, rows, columns, MemorySegment.NULL);
  }
}
