package io.github.ggml4j.nn;

import io.github.ggml4j.tensor.DType;
import io.github.ggml4j.tensor.Tensor;
import java.util.Arrays;

/** What kernels take for granted, since they read memory by it: types and shapes. */
final class Inputs {
  private Inputs() {}

  /** Fails unless {@code x} is an F32 matrix. */
  static void matrix(String op, Tensor x) {
    if (x.type() != DType.F32 || x.elements() != x.ne(0) * x.ne(1)) {
      throw new IllegalArgumentException(op + " needs a matrix of F32, not " + x);
    }
  }

  /** Fails unless {@code x} is an F32 matrix of this shape. */
  static void matrix(String op, Tensor x, long rows, long columns) {
    matrix(op, x);
    if (x.ne(0) != columns || x.ne(1) != rows) {
      throw new IllegalArgumentException(
          op + " needs F32" + Arrays.toString(new long[] {rows, columns}) + ", not " + x);
    }
  }

  /** Fails unless {@code x} is an F32 vector of this length. */
  static void vector(String op, Tensor x, long elements) {
    if (x.type() != DType.F32 || x.ne(0) != elements || x.elements() != elements) {
      throw new IllegalArgumentException(op + " needs F32[" + elements + "], not " + x);
    }
  }
}
