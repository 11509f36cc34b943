package io.github.ggml4j.tensor;

import io.github.ggml4j.error.InvalidArgumentException;
import java.util.Arrays;

/**
 * Checks the shapes, types and strides of the tensors of an op as ggml requires them. ggml would
 * end the process; these methods throw {@link IllegalArgumentException}.
 */
final class OpChecks {
  private OpChecks() {}

  /** A row-major shape in ggml's order, the last dimension first, padded with ones. */
  static long[] ggmlOrder(long... shape) {
    if (shape.length < 1 || shape.length > 4) {
      throw new InvalidArgumentException("shape", Arrays.toString(shape), "1 to 4 dimensions");
    }
    var ne = new long[] {1, 1, 1, 1};
    for (int i = 0; i < shape.length; i++) {
      if (shape[i] < 1) {
        throw new InvalidArgumentException(
            "shape", Arrays.toString(shape), "dimensions of at least 1");
      }
      ne[shape.length - 1 - i] = shape[i];
    }
    return ne;
  }

  static void checkType(String op, Tensor x, DType type) {
    if (x.type() != type) {
      throw new IllegalArgumentException(op + " needs elements of " + type + ", not " + x);
    }
  }

  /** F32; the elements of a row are contiguous. */
  static void checkRows(String op, Tensor x) {
    checkType(op, x, DType.F32);
    if (!x.contiguousRows()) {
      throw new IllegalArgumentException(op + " needs contiguous rows, not the transposed " + x);
    }
  }

  /** F32 and contiguous. */
  static void checkWhole(String op, Tensor x) {
    checkType(op, x, DType.F32);
    if (!x.contiguous()) {
      throw new IllegalArgumentException(op + " needs a contiguous tensor, not the view " + x);
    }
  }

  static void checkBinary(String op, Tensor a, Tensor b) {
    checkRepeats(op, b, a);
    checkRows(op, a);
    checkType(op, b, DType.F32);
  }

  static void checkWritable(String op, Tensor target) {
    if (target.readOnly()) {
      throw new IllegalArgumentException(
          op + " would write to " + target + ", which is read-only, as in a mapped file");
    }
  }

  static void checkEps(float eps) {
    if (!(eps >= 0)) {
      throw new InvalidArgumentException("eps", eps, "at least 0");
    }
  }

  static void checkRepeats(String op, Tensor small, Tensor large) {
    for (int i = 0; i < 4; i++) {
      if (large.ne(i) % small.ne(i) != 0) {
        throw mismatch(op, large, small);
      }
    }
  }

  static void checkSame(String op, Tensor a, Tensor b) {
    if (!Arrays.equals(a.shape(), b.shape())) {
      throw mismatch(op, a, b);
    }
  }

  static IllegalArgumentException mismatch(String op, Tensor a, Tensor b) {
    return new IllegalArgumentException("Shapes do not fit for " + op + ": " + a + " and " + b);
  }
}
