package io.github.ggml4j.trainer.optim;

import io.github.ggml4j.tensor.Graph;
import io.github.ggml4j.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/**
 * Parameters of a model in one vector. One vector needs fewer ops per update than many tensors.
 *
 * @param values F32 (n,): the parameters
 * @param gradients F32 (n,): their gradients, in the same order
 * @param slices the parameters to update, in the order of the vector; the vector may contain others
 */
public record ParameterVector(Tensor values, Tensor gradients, List<Slice> slices) {
  /** Copies the list. */
  public ParameterVector {
    slices = List.copyOf(slices);
  }

  /**
   * One parameter in the vector.
   *
   * @param name as in Hugging Face's files: {@code h.0.attn.c_attn.weight}
   * @param first index of its first element
   * @param length its elements with the padding that follows them; padding is 0 and has gradient 0
   * @param shape (out, in) of a matrix, (n) of a vector
   */
  public record Slice(String name, long first, long length, List<Long> shape) {
    /** Copies the shape. */
    public Slice {
      shape = List.copyOf(shape);
    }

    /** Elements without padding. */
    public long elements() {
      return shape.stream().reduce(1L, Math::multiplyExact);
    }

    /**
     * Whether it is a weight of a linear layer or an embedding, not a bias or a LayerNorm weight.
     */
    public boolean isMatrix() {
      return shape.size() == 2;
    }

    /** Rows of a matrix; 1 for a vector. */
    public long rows() {
      return isMatrix() ? shape.getFirst() : 1;
    }

    /** Columns of a matrix; elements of a vector. */
    public long columns() {
      return shape.getLast();
    }
  }

  /**
   * Slices that follow each other, for one op.
   *
   * @param first index of the first element
   * @param length elements, with padding
   */
  public record Run(long first, long length) {}

  /**
   * The same vector with some of its slices.
   *
   * @param chosen the slices to update
   */
  public ParameterVector where(Predicate<Slice> chosen) {
    return new ParameterVector(values, gradients, slices.stream().filter(chosen).toList());
  }

  /** The slices as few long runs. */
  public List<Run> runs() {
    return runs(slices);
  }

  /**
   * Joins slices that follow each other.
   *
   * @param slices in the order of the vector
   */
  public static List<Run> runs(List<Slice> slices) {
    var runs = new ArrayList<Run>();
    for (var slice : slices) {
      var last = runs.isEmpty() ? null : runs.getLast();
      if (last != null && last.first() + last.length() == slice.first()) {
        runs.removeLast();
        runs.add(new Run(last.first(), last.length() + slice.length()));
      } else {
        runs.add(new Run(slice.first(), slice.length()));
      }
    }
    return runs;
  }

  /**
   * Elements of all slices with padding: the length of a state vector that has a number for each
   * parameter.
   *
   * @param slices some slices
   */
  public static long length(List<Slice> slices) {
    return slices.stream().mapToLong(Slice::length).sum();
  }

  /** The values of a run. */
  Tensor values(Graph graph, Run run) {
    return graph.view(values, run.first(), run.length());
  }

  /** The gradients of a run. */
  Tensor gradients(Graph graph, Run run) {
    return graph.view(gradients, run.first(), run.length());
  }

  /** The values of a slice, in its shape; a vector is one row. */
  Tensor values(Graph graph, Slice slice) {
    return graph.view(values, slice.first(), slice.rows(), slice.columns());
  }

  /** The gradients of a slice, in its shape; a vector is one row. */
  Tensor gradients(Graph graph, Slice slice) {
    return graph.view(gradients, slice.first(), slice.rows(), slice.columns());
  }
}
