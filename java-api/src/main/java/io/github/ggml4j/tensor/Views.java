package io.github.ggml4j.tensor;

import io.github.ggml4j.bindings.ffi.Ggml;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/** Makes views of tensors after checking their shapes. */
final class Views {
  private Views() {}

  static MemorySegment consecutive(MemorySegment context, Tensor base, long offset, long... shape) {
    long elements = 1;
    for (long n : shape) {
      if (n < 1) {
        throw new IllegalArgumentException(
            "A view has the shape " + Arrays.toString(shape) + ", expected at least 1 of each");
      }
      elements = Math.multiplyExact(elements, n);
    }
    if (!base.contiguous() || base.type().blockSize() != 1) {
      throw new IllegalArgumentException(
          "A view needs a contiguous, unquantized tensor, not " + base);
    }
    if (offset < 0 || offset > base.elements() - elements) {
      throw new IllegalArgumentException(
          "Elements " + offset + " to " + (offset + elements) + " are out of the range of " + base);
    }
    long size = base.type().byteSize(1);
    long at = offset * size;
    return switch (shape.length) {
      case 1 -> Ggml.ggml_view_1d(context, base.handle(), shape[0], at);
      case 2 -> Ggml.ggml_view_2d(context, base.handle(), shape[1], shape[0], shape[1] * size, at);
      case 3 ->
          Ggml.ggml_view_3d(
              context,
              base.handle(),
              shape[2],
              shape[1],
              shape[0],
              shape[2] * size,
              shape[1] * shape[2] * size,
              at);
      default ->
          throw new IllegalArgumentException("A view has 1 to 3 dimensions, not " + shape.length);
    };
  }
}
