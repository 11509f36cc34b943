package io.github.ggml4j.trainer.optim;

import io.github.ggml4j.tensor.Graph;
import io.github.ggml4j.tensor.Tensor;

/** The mean of the squares of a matrix. */
final class MeanSquare {
  private MeanSquare() {}

  /** Adds {@code mean(x * x)}, (1, 1). The mean of the rows first keeps all threads busy. */
  static Tensor add(Graph graph, Tensor x) {
    var rows = graph.mean(graph.mul(x, x)); // (rows, 1)
    return graph.mean(graph.reshape(rows, 1, rows.rows()));
  }
}
