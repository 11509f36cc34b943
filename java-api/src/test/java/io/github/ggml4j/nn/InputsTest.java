package io.github.ggml4j.nn;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.ggml4j.tensor.DType;
import io.github.ggml4j.tensor.Device;
import io.github.ggml4j.tensor.Graph;
import io.github.ggml4j.tensor.Parameter;
import io.github.ggml4j.tensor.Tensor;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Inputs of wrong types and shapes are refused, because the kernels do not check them. */
class InputsTest {
  private static Device device;

  @BeforeAll
  static void open() {
    device = Device.cpu(1);
  }

  @AfterAll
  static void close() {
    device.close();
  }

  private static Parameter parameter(Tensor value) {
    return new Parameter("a weight", value, null);
  }

  private static void refused(Consumer<Graph> op) {
    try (var graph = Graph.forward(device, 64)) {
      assertThatThrownBy(() -> op.accept(graph)).isInstanceOf(IllegalArgumentException.class);
    }
  }

  private static Tensor floats(Graph graph, long... shape) {
    return graph.input(DType.F32, shape);
  }

  private static Tensor halves(Graph graph, long... shape) {
    return graph.input(DType.F16, shape);
  }

  private static Linear linear(Tensor weight, @Nullable Tensor bias) {
    return new Linear(parameter(weight), bias == null ? null : parameter(bias));
  }

  @Test
  void linear() {
    refused(g -> linear(floats(g, 5, 8), null).forward(g, halves(g, 3, 8)));
    refused(g -> linear(floats(g, 5, 7), null).forward(g, floats(g, 3, 8)));
    refused(g -> linear(floats(g, 5, 8), halves(g, 5)).forward(g, floats(g, 3, 8)));
    refused(g -> linear(floats(g, 5, 8), floats(g, 4)).forward(g, floats(g, 3, 8)));
    refused(g -> linear(floats(g, 5, 8), null).forward(g, floats(g, 3, 8), floats(g, 3, 4)));
    refused(g -> linear(g.input(DType.I32, 5, 8), null).forward(g, floats(g, 3, 8)));
    refused(g -> linear(halves(g, 5, 8), null).inputGradient(g, floats(g, 3, 5)));
  }

  @Test
  void normalisationActivationAndDropout() {
    refused(g ->
        new LayerNorm(parameter(halves(g, 8)), parameter(floats(g, 8)), 1e-5f)
            .forward(g, floats(g, 3, 8)));
    refused(g ->
        new LayerNorm(parameter(floats(g, 8)), parameter(floats(g, 9)), 1e-5f)
            .forward(g, floats(g, 3, 8)));
    refused(g -> Activation.GELU_NEW.forward(g, halves(g, 3, 8)));
    refused(g -> new Dropout(g).forward(halves(g, 3, 8), 0.5f));
    refused(g -> new Dropout(g).forward(floats(g, 3, 8), 0.5f, floats(g, 3, 4)));
  }

  @Test
  void embeddingsAndLoss() {
    refused(g ->
        new Embedding(parameter(g.input(DType.I32, 9, 8)), parameter(floats(g, 9, 8)))
            .forward(g, TokenBatch.of(g, 3)));
    refused(g -> new CrossEntropy(g, halves(g, 3, 8), parameter(floats(g, 9, 8))));
  }

  private static CachedAttention cached(Graph graph, int tokens, int sequences) {
    var table = graph.input(DType.I32, sequences, 9);
    return CachedAttention.of(graph, tokens, table, CacheAccess.of(graph.device(), 9, 0));
  }

  @Test
  void attention() {
    refused(g -> CausalAttention.of(g, 1, 4).forward(halves(g, 4, 24), 2, 1));
    refused(g -> CausalAttention.of(g, 1, 5).forward(floats(g, 4, 24), 2, 1));
    refused(g -> CausalAttention.of(g, 1, 4).forward(floats(g, 4, 24), 5, 1));
    refused(g -> CausalAttention.of(g, 0, 4));
    refused(g -> {
      var attention = cached(g, 2, 1);
      attention.forward(floats(g, 2, 24), 2, 1, floats(g, 9, 8), halves(g, 9, 8));
    });
    refused(g -> {
      var attention = cached(g, 3, 1);
      attention.forward(floats(g, 2, 24), 2, 1, floats(g, 9, 8), floats(g, 9, 8));
    });
    try (var graph = Graph.forward(device, 64)) {
      var attention = cached(graph, 1, 2);
      attention.forward(floats(graph, 1, 24), 2, 1, floats(graph, 5, 8), floats(graph, 5, 8));
      graph.build();
      int[] zero = {0};
      for (int[][] bad : new int[][][] {{{5}, zero, zero}, {zero, {2}, zero}, {zero, zero, {9}}}) {
        assertThatThrownBy(() -> attention.set(bad[0], bad[1], bad[2], (_, _) -> 0))
            .isInstanceOf(IllegalArgumentException.class);
      }
      attention.set(zero, zero, zero, (_, _) -> 0);
    }
  }
}
