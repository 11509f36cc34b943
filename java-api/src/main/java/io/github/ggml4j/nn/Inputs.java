package io.github.ggml4j.nn;

import io.github.ggml4j.tensor.DType;
import io.github.ggml4j.tensor.Tensor;
import java.util.Arrays;

/** Checks types and shapes. Kernels rely on them and do not check them again. */
final class Inputs {
  private Inputs() {}

  /** Fails unless {@code x} is an F32 matrix. */
  static void matrix(String op, Tensor x) {
    if (x.type() != DType.F32 || !x.isMatrix()) {
      throw new IllegalArgumentException(op + " needs a matrix of F32, not " + x);
    }
  }

  /** Fails unless {@code x} is an F32 matrix of this shape. */
  static void matrix(String op, Tensor x, long rows, long columns) {
    matrix(op, x);
    if (x.columns() != columns || x.rows() != rows) {
      throw new IllegalArgumentException(
          op + " needs F32" + Arrays.toString(new long[] {rows, columns}) + ", not " + x);
    }
  }

  /** Fails unless {@code x} is an F32 vector of this length. */
  static void vector(String op, Tensor x, long elements) {
    if (x.type() != DType.F32 || x.columns() != elements || x.elements() != elements) {
      throw new IllegalArgumentException(op + " needs F32[" + elements + "], not " + x);
    }
  }
}
