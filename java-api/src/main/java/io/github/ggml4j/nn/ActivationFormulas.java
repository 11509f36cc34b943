package io.github.ggml4j.nn;

import io.github.ggml4j.tensor.Graph;
import io.github.ggml4j.tensor.Tensor;

/**
 * The activation functions and their derivatives, composed of ggml's stock ops. Each derivative
 * follows its function. x is {@code (tokens, n)} F32, and so are all results.
 *
 * <p>The formulas stay finite in float32 for every finite x whose result is finite, and derivatives
 * at kinks are those of PyTorch.
 */
final class ActivationFormulas {
  private static final float SQRT_2_OVER_PI = (float) Math.sqrt(2 / Math.PI);
  private static final float ONE_OVER_SQRT_2PI = (float) (1 / Math.sqrt(2 * Math.PI));
  private static final float CUBIC = 0.044715f;
  private static final float QUICK = 1.702f;
  private static final float NEGATIVE_SLOPE = 0.01f;
  private static final float CLIP = 10;
  private static final double LAPLACE_MU = 0.707107;
  private static final double LAPLACE_SIGMA = 0.282095;

  /** Above this, PyTorch's softplus returns x; {@code e^40} is finite in float32. */
  private static final float SOFTPLUS_THRESHOLD = 20;

  /** Added to both sides of a quotient, so that 0 / 0 becomes 1; too small to change others. */
  private static final float TINY = 1e-30f;

  private ActivationFormulas() {}

  /** {@code x sigmoid(2u)} with {@code u = sqrt(2/pi) (x + 0.044715 x^3)}. */
  static Tensor geluNew(Graph graph, Tensor x) {
    return graph.mul(x, graph.sigmoid(twiceU(graph, x)));
  }

  /** 0.5 (1 + tanh u) = sigmoid(2u) = s, so the derivative is {@code s + x s (1 - s) 2u'}. */
  static Tensor geluNewDerivative(Graph graph, Tensor x) {
    var s = graph.sigmoid(twiceU(graph, x));
    var du = graph.scale(square(graph, x), 2 * SQRT_2_OVER_PI * 3 * CUBIC, 2 * SQRT_2_OVER_PI);
    return graph.add(s, graph.mul(graph.mul(graph.mul(x, s), oneMinus(graph, s)), du));
  }

  private static Tensor twiceU(Graph graph, Tensor x) {
    return graph.mul(
        x, graph.scale(square(graph, x), 2 * SQRT_2_OVER_PI * CUBIC, 2 * SQRT_2_OVER_PI));
  }

  /** {@code x Phi(x)} with the standard normal distribution function Phi. */
  static Tensor gelu(Graph graph, Tensor x) {
    return graph.geluErf(x);
  }

  /** {@code Phi(x) + x phi(x)}. */
  static Tensor geluDerivative(Graph graph, Tensor x) {
    return graph.add(normalCdf(graph, x), graph.mul(x, normalDensity(graph, x)));
  }

  /** {@code min(gelu(x), 10)}; gelu(x) is never below -10. */
  static Tensor gelu10(Graph graph, Tensor x) {
    return graph.clamp(graph.geluErf(x), -CLIP, CLIP);
  }

  /** gelu's derivative where gelu(x) is below 10, else 0. */
  static Tensor gelu10Derivative(Graph graph, Tensor x) {
    var below = graph.step(graph.scale(graph.geluErf(x), -1, CLIP));
    return graph.mul(geluDerivative(graph, x), below);
  }

  /** Phi(x) = gelu(x) / x. If x is near 0, 2e-7 is used instead. */
  private static Tensor normalCdf(Graph graph, Tensor x) {
    var nearZero = oneMinus(graph, graph.step(graph.scale(square(graph, x), 1, -1e-14f)));
    var safe = graph.add(x, graph.scale(nearZero, 2e-7f, 0));
    return graph.div(graph.geluErf(safe), safe);
  }

  /** {@code phi(x) = exp(-x^2 / 2) / sqrt(2 pi)}. */
  private static Tensor normalDensity(Graph graph, Tensor x) {
    return graph.scale(graph.exp(graph.scale(square(graph, x), -0.5f, 0)), ONE_OVER_SQRT_2PI, 0);
  }

  /** {@code max(x, 0)}. */
  static Tensor relu(Graph graph, Tensor x) {
    return graph.relu(x);
  }

  /** 1 where {@code x > 0}, else 0. */
  static Tensor reluDerivative(Graph graph, Tensor x) {
    return graph.step(x);
  }

  /** {@code max(x, 0)^2}. */
  static Tensor relu2(Graph graph, Tensor x) {
    return square(graph, graph.relu(x));
  }

  /** {@code 2 max(x, 0)}. */
  static Tensor relu2Derivative(Graph graph, Tensor x) {
    return graph.scale(graph.relu(x), 2, 0);
  }

  /** {@code min(max(x, 0), 6)}. */
  static Tensor relu6(Graph graph, Tensor x) {
    return graph.clamp(x, 0, 6);
  }

  /** 1 where {@code 0 < x < 6}, else 0. */
  static Tensor relu6Derivative(Graph graph, Tensor x) {
    return graph.mul(graph.step(x), graph.step(graph.scale(x, -1, 6)));
  }

  /** x where {@code x > 0}, else {@code 0.01 x}. */
  static Tensor leakyRelu(Graph graph, Tensor x) {
    return graph.mul(x, leakyReluDerivative(graph, x));
  }

  /** 1 where {@code x > 0}, else 0.01. */
  static Tensor leakyReluDerivative(Graph graph, Tensor x) {
    return graph.scale(graph.step(x), 1 - NEGATIVE_SLOPE, NEGATIVE_SLOPE);
  }

  /** {@code x min(max(x + 3, 0), 6) / 6}. */
  static Tensor hardswish(Graph graph, Tensor x) {
    return graph.mul(x, hardsigmoid(graph, x));
  }

  /** {@code x / 3 + 1 / 2} where {@code -3 < x < 3}; 0 below and 1 above. */
  static Tensor hardswishDerivative(Graph graph, Tensor x) {
    var between = graph.mul(graph.step(graph.scale(x, 1, 3)), graph.step(graph.scale(x, -1, 3)));
    return graph.add(hardsigmoid(graph, x), graph.mul(graph.scale(x, 1 / 6f, 0), between));
  }

  private static Tensor hardsigmoid(Graph graph, Tensor x) {
    return graph.clamp(graph.scale(x, 1 / 6f, 0.5f), 0, 1);
  }

  /** {@code x sigmoid(x)}. */
  static Tensor silu(Graph graph, Tensor x) {
    return graph.mul(x, graph.sigmoid(x));
  }

  /** {@code s + x s (1 - s)} with {@code s = sigmoid(x)}. */
  static Tensor siluDerivative(Graph graph, Tensor x) {
    var s = graph.sigmoid(x);
    return graph.add(s, graph.mul(graph.mul(x, s), oneMinus(graph, s)));
  }

  /** {@code x sigmoid(1.702 x)}. */
  static Tensor quickGelu(Graph graph, Tensor x) {
    return graph.mul(x, graph.sigmoid(graph.scale(x, QUICK, 0)));
  }

  /** {@code s + 1.702 x s (1 - s)} with {@code s = sigmoid(1.702 x)}. */
  static Tensor quickGeluDerivative(Graph graph, Tensor x) {
    var s = graph.sigmoid(graph.scale(x, QUICK, 0));
    return graph.add(s, graph.scale(graph.mul(graph.mul(x, s), oneMinus(graph, s)), QUICK, 0));
  }

  /** The hyperbolic tangent. */
  static Tensor tanh(Graph graph, Tensor x) {
    return graph.tanh(x);
  }

  /** {@code 1 - tanh(x)^2}. */
  static Tensor tanhDerivative(Graph graph, Tensor x) {
    return oneMinus(graph, square(graph, graph.tanh(x)));
  }

  /** {@code 1 / (1 + e^-x)}. */
  static Tensor sigmoid(Graph graph, Tensor x) {
    return graph.sigmoid(x);
  }

  /** {@code s (1 - s)} with {@code s = sigmoid(x)}. */
  static Tensor sigmoidDerivative(Graph graph, Tensor x) {
    var s = graph.sigmoid(x);
    return graph.mul(s, oneMinus(graph, s));
  }

  /** {@code 0.5 (1 + erf(u / sqrt 2)) = Phi(u)} with {@code u = (x - mu) / sigma}. */
  static Tensor laplace(Graph graph, Tensor x) {
    return normalCdf(graph, laplaceInput(graph, x));
  }

  /** {@code phi(u) / sigma}. */
  static Tensor laplaceDerivative(Graph graph, Tensor x) {
    return graph.scale(
        normalDensity(graph, laplaceInput(graph, x)), (float) (1 / LAPLACE_SIGMA), 0);
  }

  private static Tensor laplaceInput(Graph graph, Tensor x) {
    return graph.scale(x, (float) (1 / LAPLACE_SIGMA), (float) (-LAPLACE_MU / LAPLACE_SIGMA));
  }

  /** {@code x tanh(softplus(x)) = x n / (n + 2)} with {@code w = e^x}, {@code n = w (w + 2)}. */
  static Tensor mish(Graph graph, Tensor x) {
    var n = mishN(graph, cappedExp(graph, x));
    return graph.mul(x, graph.div(n, graph.scale(n, 1, 2)));
  }

  /**
   * {@code t + x (1 - t^2) sigmoid(x)} with {@code t = n / (n + 2)}, {@code 1 - t^2 = 4 (n + 1) /
   * (n + 2)^2} and {@code sigmoid(x) = w / (w + 1)}.
   */
  static Tensor mishDerivative(Graph graph, Tensor x) {
    var w = cappedExp(graph, x);
    var n = mishN(graph, w);
    var n2 = graph.scale(n, 1, 2);
    var sech2 = graph.div(graph.div(graph.scale(n, 4, 4), n2), n2);
    var sigmoid = graph.div(w, graph.scale(w, 1, 1));
    return graph.add(graph.div(n, n2), graph.mul(graph.mul(x, sech2), sigmoid));
  }

  private static Tensor mishN(Graph graph, Tensor w) {
    return graph.mul(w, graph.scale(w, 1, 2));
  }

  /** {@code e^min(x, 20)}. */
  private static Tensor cappedExp(Graph graph, Tensor x) {
    return graph.exp(graph.clamp(x, -Float.MAX_VALUE, SOFTPLUS_THRESHOLD));
  }

  /** {@code sqrt(softplus(x))}; the root is {@code e^(ln(.) / 2)}. */
  static Tensor sqrtSoftplus(Graph graph, Tensor x) {
    return graph.exp(graph.scale(graph.log(softplus(graph, x)), 0.5f, 0));
  }

  /** {@code sigmoid(x) / (2 sqrt(softplus(x)))}; 0 where both are 0 in float32. */
  static Tensor sqrtSoftplusDerivative(Graph graph, Tensor x) {
    return graph.div(graph.sigmoid(x), graph.scale(sqrtSoftplus(graph, x), 2, TINY));
  }

  /**
   * {@code ln(1 + w)} with {@code w = e^x}; x itself above 20. If w is small, the rounding error of
   * {@code v = 1 + w} is corrected: {@code ln(1 + w) = w ln(v) / (v - 1)}.
   */
  private static Tensor softplus(Graph graph, Tensor x) {
    var w = cappedExp(graph, x);
    var v = graph.scale(w, 1, 1);
    var ratio =
        graph.div(graph.scale(graph.log(v), 1, TINY), graph.scale(graph.scale(v, 1, -1), 1, TINY));
    var above = graph.relu(graph.scale(x, 1, -SOFTPLUS_THRESHOLD));
    return graph.add(graph.mul(w, ratio), above);
  }

  /** A copy of x. */
  static Tensor linear(Graph graph, Tensor x) {
    return graph.scale(x, 1, 0);
  }

  /** 1. */
  static Tensor linearDerivative(Graph graph, Tensor x) {
    return graph.scale(x, 0, 1);
  }

  private static Tensor square(Graph graph, Tensor x) {
    return graph.mul(x, x);
  }

  private static Tensor oneMinus(Graph graph, Tensor x) {
    return graph.scale(x, -1, 1);
  }
}
