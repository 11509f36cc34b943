package io.github.ggml4j.trainer.engine;

import io.github.ggml4j.model.FlatLayout;
import io.github.ggml4j.tensor.DType;
import io.github.ggml4j.tensor.Graph;
import io.github.ggml4j.tensor.Tensor;
import io.github.ggml4j.tensor.TensorStore;
import io.github.ggml4j.tensor.internal.Kernel;
import io.github.ggml4j.tensor.internal.KernelParams;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Stochastic gradient descent with the arithmetic of {@code torch.optim.SGD}: {@code g += wd p; buf
 * = momentum buf + (1 - dampening) g} (in the first step {@code buf = g}); {@code p -= lr buf}, or
 * {@code p -= lr (g + momentum buf)} with Nesterov's momentum. As in PyTorch, decay applies to all
 * parameters.
 */
public record SgdRule(float momentum, float dampening, float weightDecay, boolean nesterov)
    implements UpdateRule {
  private static final long PIECE = 1 << 24;
  private static final int NODES_OF_PIECE = 32;

  @Override
  public int maxNodes(FlatLayout layout) {
    return Math.toIntExact((layout.elements() / PIECE + 2) * NODES_OF_PIECE);
  }

  @Override
  public List<Tensor> declare(TensorStore store, FlatLayout layout) {
    return momentum == 0 ? List.of() : List.of(store.add(DType.F32, layout.elements()));
  }

  @Override
  public List<String> stateNames() {
    return momentum == 0 ? List.of() : List.of("momentum_buffer");
  }

  @Override
  public void update(
      Graph graph,
      FlatLayout layout,
      Tensor values,
      Tensor gradients,
      List<Tensor> state,
      List<Tensor> controls) {
    var control = controls.get(0);
    if (graph.fused()) {
      var buffer = momentum == 0 ? values : state.get(0);
      graph.kernelInPlace(Kernel.SGD, KernelParams.none(), values, gradients, buffer, control);
      return;
    }
    // Piece by piece, so that what lies between the ops takes little memory.
    for (long first = 0; first < layout.elements(); first += PIECE) {
      long count = Math.min(PIECE, layout.elements() - first);
      stock(
          graph,
          graph.view(values, first, count),
          graph.view(gradients, first, count),
          momentum == 0 ? null : graph.view(state.get(0), first, count),
          control);
    }
  }

  private void stock(
      Graph graph, Tensor values, Tensor gradients, @Nullable Tensor buffer, Tensor control) {
    var rate = graph.view(control, 0, 1);
    var g =
        graph.add(
            graph.mul(gradients, graph.view(control, 7, 1)), graph.scale(values, weightDecay, 0));
    var direction = g;
    if (buffer != null) {
      // In the first step the buffer is zero, so that buf = g needs the factor 1 there: control[5]
      // is 1 then.
      var first = graph.view(control, 5, 1);
      var fresh =
          graph.add(
              graph.scale(g, 1 - dampening, 0), graph.mul(graph.scale(g, dampening, 0), first));
      var next = graph.add(graph.scale(buffer, momentum, 0), fresh);
      graph.copyInto(next, buffer);
      direction = nesterov ? graph.add(g, graph.scale(next, momentum, 0)) : next;
    }
    graph.copyInto(graph.sub(values, graph.mul(direction, rate)), values);
  }

  @Override
  public float[] controls(long step, float learningRate, float gradientScale, boolean decayed) {
    return new float[] {
      learningRate,
      momentum,
      dampening,
      weightDecay,
      nesterov ? 1 : 0,
      step == 1 ? 1 : 0,
      0,
      gradientScale
    };
  }
}
