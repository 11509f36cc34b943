package io.github.ggml4j.nn;

import io.github.ggml4j.error.InvalidArgumentException;
import io.github.ggml4j.tensor.Graph;
import io.github.ggml4j.tensor.Tensor;
import io.github.ggml4j.tensor.internal.Kernel;
import io.github.ggml4j.tensor.internal.KernelParams;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * The activation functions of the MLP under Hugging Face's names ({@code activation_function} of
 * {@code config.json}, {@code ACT2FN} in transformers). Elementwise, F32.
 */
public enum Activation {
  /**
   * {@code 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))}, GPT-2's own (Hendrycks, Gimpel 2016,
   * arXiv:1606.08415).
   */
  GELU_NEW(1, "gelu_new", "gelu_pytorch_tanh", "gelu_fast", "gelu_accurate"),
  /** {@code x Phi(x) = 0.5 x (1 + erf(x / sqrt 2))}. */
  GELU(2, "gelu", "gelu_python"),
  /** {@code max(x, 0)}. */
  RELU(3, "relu"),
  /** {@code x sigmoid(x)}. */
  SILU(4, "silu", "swish"),
  /** The hyperbolic tangent. */
  TANH(5, "tanh"),
  /** {@code x sigmoid(1.702 x)}. */
  QUICK_GELU(6, "quick_gelu");

  private static final float SQRT_2_OVER_PI = (float) Math.sqrt(2 / Math.PI);
  private static final float CUBIC = 0.044715f;
  private static final float QUICK = 1.702f;

  private final int kernelId;
  private final List<String> names;

  Activation(int kernelId, String... names) {
    this.kernelId = kernelId;
    this.names = List.of(names);
  }

  /**
   * The function of a Hugging Face name.
   *
   * @throws IllegalArgumentException for a name that is not supported; the message lists those that
   *     are
   */
  public static Activation of(String name) {
    return Arrays.stream(values())
        .filter(a -> a.names.contains(name))
        .findFirst()
        .orElseThrow(() ->
            new InvalidArgumentException(
                "activation_function", '"' + name + '"', "one of " + names()));
  }

  /** Hugging Face's names of all functions, sorted. */
  public static SortedSet<String> names() {
    var all = new TreeSet<String>();
    for (var activation : values()) {
      all.addAll(activation.names);
    }
    return Collections.unmodifiableSortedSet(all);
  }

  /** Hugging Face's name. */
  public String configName() {
    return names.getFirst();
  }

  int kernelId() {
    return kernelId;
  }

  /** Applies the function to every element. */
  public Tensor forward(Graph graph, Tensor x) {
    Inputs.matrix("An activation", x);
    var y =
        graph.has(Kernel.ACTIVATION_FORWARD)
            ? graph.kernel(
                Kernel.ACTIVATION_FORWARD, KernelParams.none().activation(kernelId), x.shape(), x)
            : stock(graph, x);
    var tape = graph.tape();
    if (tape != null) {
      tape.record(y, dy -> tape.add(x, backward(graph, x, dy)), x);
    }
    return y;
  }

  private Tensor backward(Graph graph, Tensor x, Tensor dy) {
    return graph.has(Kernel.ACTIVATION_BACKWARD)
        ? graph.kernel(
            Kernel.ACTIVATION_BACKWARD, KernelParams.none().activation(kernelId), x.shape(), x, dy)
        : graph.mul(dy, stockDerivative(graph, x));
  }

  private Tensor stock(Graph graph, Tensor x) {
    return switch (this) {
      case GELU_NEW -> graph.mul(x, graph.sigmoid(twiceU(graph, x)));
      case GELU -> graph.geluErf(x);
      case RELU -> graph.relu(x);
      case SILU -> graph.mul(x, graph.sigmoid(x));
      case TANH -> graph.tanh(x);
      case QUICK_GELU -> graph.mul(x, graph.sigmoid(graph.scale(x, QUICK, 0)));
    };
  }

  private Tensor stockDerivative(Graph graph, Tensor x) {
    return switch (this) {
      case GELU_NEW -> {
        // 0.5 (1 + tanh u) = sigmoid(2u) = s, so the derivative is s + x s (1 - s) 2u'.
        var s = graph.sigmoid(twiceU(graph, x));
        var du = graph.scale(graph.mul(x, x), 2 * SQRT_2_OVER_PI * 3 * CUBIC, 2 * SQRT_2_OVER_PI);
        yield logisticProduct(graph, x, s, du);
      }
      case GELU -> {
        // Phi(x) + x phi(x) with Phi(x) = gelu(x) / x. If x is near 0, 2e-7 is used instead.
        var nearZero = graph.scale(graph.step(graph.scale(graph.mul(x, x), 1, -1e-14f)), -1, 1);
        var safe = graph.add(x, graph.scale(nearZero, 2e-7f, 0));
        var cdf = graph.div(graph.geluErf(safe), safe);
        var density =
            graph.scale(
                graph.exp(graph.scale(graph.mul(x, x), -0.5f, 0)),
                (float) (1 / Math.sqrt(2 * Math.PI)),
                0);
        yield graph.add(cdf, graph.mul(x, density));
      }
      case RELU -> graph.step(x);
      case SILU -> {
        var s = graph.sigmoid(x);
        yield graph.add(s, graph.mul(graph.mul(x, s), graph.scale(s, -1, 1)));
      }
      case TANH -> {
        var t = graph.tanh(x);
        yield graph.scale(graph.mul(t, t), -1, 1);
      }
      case QUICK_GELU -> {
        var s = graph.sigmoid(graph.scale(x, QUICK, 0));
        yield graph.add(
            s, graph.scale(graph.mul(graph.mul(x, s), graph.scale(s, -1, 1)), QUICK, 0));
      }
    };
  }

  /** {@code s + x s (1 - s) dz}, the derivative of {@code x sigmoid(z)}. */
  private static Tensor logisticProduct(Graph graph, Tensor x, Tensor s, Tensor dz) {
    return graph.add(s, graph.mul(graph.mul(graph.mul(x, s), graph.scale(s, -1, 1)), dz));
  }

  /** {@code 2 sqrt(2/pi) (x + 0.044715 x^3)}. */
  private static Tensor twiceU(Graph graph, Tensor x) {
    return graph.mul(
        x, graph.scale(graph.mul(x, x), 2 * SQRT_2_OVER_PI * CUBIC, 2 * SQRT_2_OVER_PI));
  }
}
