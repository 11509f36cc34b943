package io.github.ggml4j.nn;

import io.github.ggml4j.internal.Check;
import io.github.ggml4j.tensor.Graph;
import io.github.ggml4j.tensor.Parameter;
import io.github.ggml4j.tensor.Tensor;

/**
 * A low-rank adaptation of a linear layer: {@code y + scaling * (x Aᵀ) Bᵀ} (<a
 * href="https://arxiv.org/abs/2106.09685">Hu et al. 2021</a>), as PEFT's {@code lora.Linear}
 * without dropout.
 *
 * <p>Shapes: x {@code (tokens, in)} F32, A {@code (r, in)} F32, B {@code (out, r)} F32, y {@code
 * (tokens, out)} F32.
 *
 * @param a A
 * @param b B
 * @param scaling the factor, {@code alpha / r}; {@code alpha / sqrt(r)} for rsLoRA
 */
public record Lora(Parameter a, Parameter b, float scaling) {
  /** Checks that A and B have the same rank. */
  public Lora {
    Check.finite("scaling", scaling);
    if (a.value().rows() != b.value().columns()) {
      throw new IllegalArgumentException(
          "A is " + a.value() + " and B is " + b.value() + ", expected (r, in) and (out, r)");
    }
  }

  /**
   * {@code y + scaling * (x Aᵀ) Bᵀ}.
   *
   * @param y the result of the layer for x
   */
  Tensor forward(Graph graph, Tensor x, Tensor y) {
    var low = new Linear(a, null).forward(graph, x); // (tokens, r)
    return new Linear(b, null).forward(graph, scaled(graph, low), y);
  }

  private Tensor scaled(Graph graph, Tensor low) {
    if (scaling == 1) {
      return low;
    }
    var result = graph.scale(low, scaling, 0);
    var tape = graph.tape();
    if (tape != null) {
      tape.record(result, d -> tape.add(low, graph.scale(d, scaling, 0)), low);
    }
    return result;
  }
}
