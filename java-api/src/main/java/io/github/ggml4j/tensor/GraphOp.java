package io.github.ggml4j.tensor;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * A node of a {@link Graph}: its op, and the types and shapes of its inputs and its result.
 *
 * @param name ggml's name, such as {@code MUL_MAT} or {@code SIGMOID}, or that of one of ggml4j's
 *     kernels, such as {@code DROPOUT}
 * @param result type and shape of the result
 * @param inputs types and shapes of the inputs, in ggml's order of inputs
 */
public record GraphOp(String name, Operand result, List<Operand> inputs) {
  /**
   * A tensor without its contents.
   *
   * @param type of its elements
   * @param shape row-major, slowest dimension first
   */
  public record Operand(DType type, List<Long> shape) {
    static Operand of(Tensor tensor) {
      var shape = new ArrayList<Long>();
      for (long dimension : tensor.shape()) {
        shape.add(dimension);
      }
      return new Operand(tensor.type(), List.copyOf(shape));
    }

    @Override
    public String toString() {
      return type + shape.toString();
    }
  }

  /** The types alone: {@code F16, F32 to F32}. */
  public String types() {
    return inputs.stream().map(input -> input.type().toString()).collect(Collectors.joining(", "))
        + " to "
        + result.type();
  }

  @Override
  public String toString() {
    return name
        + " of "
        + inputs.stream().map(Operand::toString).collect(Collectors.joining(", "))
        + " to "
        + result;
  }
}
