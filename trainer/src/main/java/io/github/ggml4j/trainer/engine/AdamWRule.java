package io.github.ggml4j.trainer.engine;

import io.github.ggml4j.model.FlatLayout;
import io.github.ggml4j.tensor.DType;
import io.github.ggml4j.tensor.Graph;
import io.github.ggml4j.tensor.Tensor;
import io.github.ggml4j.tensor.TensorStore;
import io.github.ggml4j.tensor.internal.Kernel;
import io.github.ggml4j.tensor.internal.KernelParams;
import java.util.List;

/**
 * AdamW (Loshchilov, Hutter 2019, arXiv:1711.05101) with the arithmetic of {@code
 * torch.optim.AdamW}: {@code p *= 1 - lr wd; m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g²; p -= lr
 * m̂ / (sqrt(v̂) + eps)} with bias-corrected moments.
 */
public record AdamWRule(
    float beta1, float beta2, float eps, float weightDecay, boolean decayMatricesOnly)
    implements UpdateRule {
  @Override
  public List<Tensor> declare(TensorStore store, FlatLayout layout) {
    return List.of(
        store.add(DType.F32, layout.elements()), store.add(DType.F32, layout.elements()));
  }

  @Override
  public List<String> stateNames() {
    return List.of("exp_avg", "exp_avg_sq");
  }

  @Override
  public void update(
      Graph graph,
      FlatLayout layout,
      Tensor values,
      Tensor gradients,
      List<Tensor> state,
      List<Tensor> controls) {
    if (graph.fused()) {
      graph.kernelInPlace(
          Kernel.ADAMW,
          KernelParams.none()
              .offset(decayMatricesOnly ? layout.matrixElements() : layout.elements()),
          values,
          gradients,
          state.get(0),
          state.get(1),
          controls.get(0));
      return;
    }
    long split = layout.matrixElements();
    long rest = layout.elements() - split;
    stock(graph, 0, split, values, gradients, state, controls.get(0));
    stock(graph, split, rest, values, gradients, state, controls.get(1));
  }

  private static void stock(
      Graph graph,
      long first,
      long count,
      Tensor values,
      Tensor gradients,
      List<Tensor> state,
      Tensor control) {
    var g = graph.view(gradients, first, count);
    graph.mulInPlace(g, graph.view(control, 7, 1)); // they are set to zero after the update
    graph.adamW(
        graph.view(values, first, count),
        g,
        graph.view(state.get(0), first, count),
        graph.view(state.get(1), first, count),
        graph.view(control, 0, 7));
  }

  @Override
  public float[] controls(long step, float learningRate, float gradientScale, boolean decayed) {
    return new float[] {
      learningRate,
      beta1,
      beta2,
      eps,
      decayed || !decayMatricesOnly ? weightDecay : 0,
      (float) (1 / (1 - Math.pow(beta1, (double) step))),
      (float) (1 / (1 - Math.pow(beta2, (double) step))),
      gradientScale
    };
  }
}
