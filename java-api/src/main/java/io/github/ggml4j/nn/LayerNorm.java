package io.github.ggml4j.nn;

import io.github.ggml4j.tensor.Graph;
import io.github.ggml4j.tensor.Parameter;
import io.github.ggml4j.tensor.Tensor;
import io.github.ggml4j.tensor.internal.Kernel;
import io.github.ggml4j.tensor.internal.KernelParams;

/**
 * Layer normalisation (Ba, Kiros, Hinton 2016, arXiv:1607.06450), as {@code torch.nn.LayerNorm}
 * over the last dimension: {@code y = (x - mean) / sqrt(var + eps) * w + b}.
 *
 * <p>Shapes: x and y {@code (tokens, nEmbd)}, w and b {@code (nEmbd)}, all F32. Backward, with
 * {@code n = (x - mean) / sqrt(var + eps)} and {@code g = dy * w}: {@code dx = (g - mean(g) - n *
 * mean(g * n)) / sqrt(var + eps)}, {@code dw += sum of dy * n}, {@code db += sum of dy}.
 *
 * @param weight w
 * @param bias b
 * @param eps added to the variance
 */
public record LayerNorm(Parameter weight, Parameter bias, float eps) {
  /** Normalises each row of {@code x}. */
  public Tensor forward(Graph graph, Tensor x) {
    var w = weight.value();
    Inputs.matrix("Layer normalisation", x);
    Inputs.vector(weight.name(), w, x.columns());
    Inputs.vector(bias.name(), bias.value(), x.columns());
    var y = normalized(graph, x);
    var tape = graph.tape();
    if (tape != null && (weight.gradient() != null || tape.tracks(x))) {
      tape.recordAlways(y, dy -> backward(graph, x, dy));
      tape.recomputable(y, () -> normalized(graph, x));
    }
    return y;
  }

  private Tensor normalized(Graph graph, Tensor x) {
    return graph.has(Kernel.LAYERNORM_FORWARD)
        ? graph.kernel(
            Kernel.LAYERNORM_FORWARD,
            KernelParams.none().eps(eps),
            x.shape(),
            x,
            weight.value(),
            bias.value())
        : graph.add(graph.mul(graph.norm(x, eps), weight.value()), bias.value());
  }

  private void backward(Graph graph, Tensor x, Tensor dy) {
    var tape = graph.tape();
    var wanted = tape != null && tape.tracks(x);
    var dw = weight.gradient();
    var db = bias.gradient();
    if (graph.has(Kernel.LAYERNORM_BACKWARD_DX)) {
      var params = KernelParams.none().eps(eps);
      if (dw != null && db != null) {
        graph.kernelInPlace(Kernel.LAYERNORM_BACKWARD_DW, params, x, dy, dw, db);
      }
      if (tape != null && wanted) {
        tape.add(
            x,
            graph.kernel(Kernel.LAYERNORM_BACKWARD_DX, params, x.shape(), x, weight.value(), dy));
      }
      return;
    }
    if (dw != null && db != null) {
      graph.addInPlace(dw, graph.columnSums(graph.mul(graph.norm(x, eps), dy)));
      graph.addInPlace(db, graph.columnSums(dy));
    }
    if (tape != null && wanted) {
      // Let P subtract the mean of each row. norm(x) = rms_norm(P x), so dx = P rms_norm_back(P x).
      var centred = graph.sub(x, graph.mean(x)); // (tokens, nEmbd)
      var inner = graph.rmsNormBack(graph.mul(dy, weight.value()), centred, eps);
      tape.add(x, graph.sub(inner, graph.mean(inner)));
    }
  }
}
