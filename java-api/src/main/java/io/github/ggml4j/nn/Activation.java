package io.github.ggml4j.nn;

import io.github.ggml4j.error.InvalidArgumentException;
import io.github.ggml4j.tensor.Graph;
import io.github.ggml4j.tensor.Tensor;
import io.github.ggml4j.tensor.internal.Kernel;
import io.github.ggml4j.tensor.internal.KernelActivation;
import io.github.ggml4j.tensor.internal.KernelParams;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * The activation functions of the MLP under Hugging Face's names ({@code activation_function} of
 * {@code config.json}, {@code ACT2FN} in transformers): all that have no parameters of their own.
 * Elementwise, F32.
 *
 * <p>To add one: a constant here, and its formula and derivative in {@code ActivationFormulas}.
 */
public enum Activation {
  /**
   * {@code 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))}, GPT-2's own (Hendrycks, Gimpel 2016,
   * arXiv:1606.08415).
   */
  GELU_NEW(
      KernelActivation.GELU_NEW,
      ActivationFormulas::geluNew,
      ActivationFormulas::geluNewDerivative,
      "gelu_new",
      "gelu_pytorch_tanh",
      "gelu_python_tanh",
      "gelu_fast",
      "gelu_accurate"),
  /** {@code x Phi(x) = 0.5 x (1 + erf(x / sqrt 2))}. */
  GELU(
      KernelActivation.GELU,
      ActivationFormulas::gelu,
      ActivationFormulas::geluDerivative,
      "gelu",
      "gelu_python"),
  /** {@code min(gelu(x), 10)} (arXiv:2004.09602). */
  GELU_10(ActivationFormulas::gelu10, ActivationFormulas::gelu10Derivative, "gelu_10"),
  /** {@code x sigmoid(1.702 x)}. */
  QUICK_GELU(
      KernelActivation.QUICK_GELU,
      ActivationFormulas::quickGelu,
      ActivationFormulas::quickGeluDerivative,
      "quick_gelu"),
  /** {@code max(x, 0)}. */
  RELU(KernelActivation.RELU, ActivationFormulas::relu, ActivationFormulas::reluDerivative, "relu"),
  /** {@code max(x, 0)^2} (arXiv:2109.08668). */
  RELU2(ActivationFormulas::relu2, ActivationFormulas::relu2Derivative, "relu2"),
  /** {@code min(max(x, 0), 6)}. */
  RELU6(ActivationFormulas::relu6, ActivationFormulas::relu6Derivative, "relu6"),
  /** {@code x} if {@code x > 0}, else {@code 0.01 x}. */
  LEAKY_RELU(ActivationFormulas::leakyRelu, ActivationFormulas::leakyReluDerivative, "leaky_relu"),
  /** {@code x sigmoid(x)}. */
  SILU(
      KernelActivation.SILU,
      ActivationFormulas::silu,
      ActivationFormulas::siluDerivative,
      "silu",
      "swish"),
  /** {@code x min(max(x + 3, 0), 6) / 6} (arXiv:1905.02244). */
  HARDSWISH(ActivationFormulas::hardswish, ActivationFormulas::hardswishDerivative, "hardswish"),
  /** {@code x tanh(ln(1 + e^x))} (arXiv:1908.08681). */
  MISH(ActivationFormulas::mish, ActivationFormulas::mishDerivative, "mish"),
  /** The hyperbolic tangent. */
  TANH(KernelActivation.TANH, ActivationFormulas::tanh, ActivationFormulas::tanhDerivative, "tanh"),
  /** {@code 1 / (1 + e^-x)}. */
  SIGMOID(ActivationFormulas::sigmoid, ActivationFormulas::sigmoidDerivative, "sigmoid"),
  /** {@code 0.5 (1 + erf((x - 0.707107) / (0.282095 sqrt 2)))} (arXiv:2209.10655). */
  LAPLACE(ActivationFormulas::laplace, ActivationFormulas::laplaceDerivative, "laplace"),
  /** {@code sqrt(ln(1 + e^x))}. */
  SQRT_SOFTPLUS(
      ActivationFormulas::sqrtSoftplus, ActivationFormulas::sqrtSoftplusDerivative, "sqrtsoftplus"),
  /** {@code x} itself. */
  LINEAR(ActivationFormulas::linear, ActivationFormulas::linearDerivative, "linear");

  /** A function of every element, added to a graph. */
  @FunctionalInterface
  private interface Formula {
    Tensor apply(Graph graph, Tensor x);
  }

  /** Functions of transformers that cannot be computed, with the reason. */
  private static final Map<String, String> UNSUPPORTED =
      Map.of(
          "prelu", "its slope is a trained weight",
          "xielu", "its two factors are trained weights");

  private final KernelActivation kernel;
  private final Formula formula;
  private final Formula derivative;
  private final List<String> names;

  /** A function that has kernels of ours. */
  Activation(KernelActivation kernel, Formula formula, Formula derivative, String... names) {
    this.kernel = kernel;
    this.formula = formula;
    this.derivative = derivative;
    this.names = List.of(names);
  }

  /** A function composed of stock ops on every device. */
  Activation(Formula formula, Formula derivative, String... names) {
    this(KernelActivation.NONE, formula, derivative, names);
  }

  /**
   * The function of a Hugging Face name.
   *
   * @throws InvalidArgumentException for a name that is not supported; the message lists those that
   *     are
   */
  public static Activation of(String name) {
    return Arrays.stream(values())
        .filter(a -> a.names.contains(name))
        .findFirst()
        .orElseThrow(() -> unsupported(name));
  }

  private static InvalidArgumentException unsupported(String name) {
    var reason = UNSUPPORTED.get(name);
    return new InvalidArgumentException(
        "activation_function",
        name,
        "one of " + names(),
        reason == null ? null : "ggml4j does not support " + name + ", because " + reason + ".");
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

  /** The function of our kernels; {@code NONE} if they do not have it. */
  KernelActivation kernel() {
    return kernel;
  }

  /** Whether our kernels have this function, so that {@link Linear} can fuse it. */
  boolean hasKernel() {
    return kernel != KernelActivation.NONE;
  }

  /** Applies the function to every element: {@code (tokens, n)} to {@code (tokens, n)}. */
  public Tensor forward(Graph graph, Tensor x) {
    Inputs.matrix("An activation", x);
    var y = activated(graph, x);
    var tape = graph.tape();
    if (tape != null && tape.tracks(x)) {
      tape.recordAlways(y, dy -> tape.add(x, backward(graph, x, dy)));
      tape.recomputable(y, () -> activated(graph, x));
    }
    return y;
  }

  private Tensor activated(Graph graph, Tensor x) {
    return hasKernel() && graph.has(Kernel.ACTIVATION_FORWARD)
        ? graph.kernel(
            Kernel.ACTIVATION_FORWARD, KernelParams.none().activation(kernel), x.shape(), x)
        : formula.apply(graph, x);
  }

  private Tensor backward(Graph graph, Tensor x, Tensor dy) {
    return hasKernel() && graph.has(Kernel.ACTIVATION_BACKWARD)
        ? graph.kernel(
            Kernel.ACTIVATION_BACKWARD, KernelParams.none().activation(kernel), x.shape(), x, dy)
        : graph.mul(dy, derivative.apply(graph, x));
  }
}
