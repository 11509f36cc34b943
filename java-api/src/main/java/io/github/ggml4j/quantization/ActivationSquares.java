package io.github.ggml4j.quantization;

import io.github.ggml4j.format.ParameterNames;
import io.github.ggml4j.model.CausalForward;
import io.github.ggml4j.model.Gpt2;
import io.github.ggml4j.model.Gpt2Model;
import io.github.ggml4j.model.ModelLease;
import io.github.ggml4j.model.Recompute;
import io.github.ggml4j.model.WeightSpec;
import io.github.ggml4j.nn.TokenBatch;
import io.github.ggml4j.tensor.Graph;
import io.github.ggml4j.tensor.Tensor;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;

/**
 * Adds up the squares of what each matrix is multiplied with, over sequences of one length. The
 * sums over a sequence are computed within the graph, so that only they leave the device; they are
 * added up in double precision.
 *
 * <p><b>Memory management.</b> Owns its graph; the model counts as in use until it is closed.
 */
final class ActivationSquares implements AutoCloseable {
  private final Gpt2Model model;
  private final ModelLease lease;
  private final Gpt2 network;
  private final Graph graph;
  private final TokenBatch tokens;
  private final Map<String, Tensor> outputs = new LinkedHashMap<>();
  private final Map<String, double[]> sums = new TreeMap<>();
  private final int length;
  private long count;

  /**
   * Builds the graph.
   *
   * @param length tokens of each sequence
   * @param head whether the head's input is included
   */
  ActivationSquares(Gpt2Model model, int length, boolean head) {
    this.model = model;
    this.length = length;
    this.lease = model.lease("activation measurement");
    try {
      this.network = model.network();
      this.graph = Graph.forward(model.device(), 2 * network.maxNodes() + 64);
      this.tokens = graph.build(_ -> addNodes(head));
    } catch (RuntimeException | Error e) {
      lease.close();
      throw e;
    }
  }

  private TokenBatch addNodes(boolean head) {
    var ggufNames = new HashMap<String, String>();
    WeightSpec.of(model.config()).forEach(spec -> ggufNames.put(spec.name(), spec.ggufName()));
    Gpt2.LinearInputs observer =
        (weight, x) -> {
          outputs.put(
              ggufNames.getOrDefault(weight, weight),
              graph.output(graph.columnSums(graph.mul(x, x))));
        };
    var forward = CausalForward.add(graph, network, 1, length, null, observer, Recompute.NONE);
    if (head) {
      observer.accept(ParameterNames.LM_HEAD, forward.hidden());
    }
    return forward.tokens();
  }

  /** Adds one sequence. */
  void add(int[] sequence) {
    model
        .device()
        .exclusively(() -> {
          if (model.network() != network) {
            throw new IllegalStateException(
                "The model's weights were replaced by a training while they were observed");
          }
          tokens.set(sequence);
          graph.compute();
          outputs.forEach(this::addTo);
          return null;
        });
    count += length;
  }

  private void addTo(String name, Tensor squares) {
    var values = squares.toFloats();
    var total = sums.computeIfAbsent(name, _ -> new double[values.length]);
    for (int i = 0; i < values.length; i++) {
      if (!Float.isFinite(values[i])) {
        throw new IllegalStateException(
            "An activation before " + name + " is not a finite number; the model is damaged");
      }
      total[i] += values[i];
    }
  }

  /** How many tokens were added. */
  long tokens() {
    return count;
  }

  /** The sums of squares of each input by the matrix's name in GGUF. */
  Map<String, float[]> sums() {
    var result = new TreeMap<String, float[]>();
    sums.forEach((name, total) -> {
      var single = new float[total.length];
      for (int i = 0; i < total.length; i++) {
        single[i] = (float) total[i];
      }
      result.put(name, single);
    });
    return result;
  }

  @Override
  public void close() {
    graph.close();
    lease.close();
  }
}
