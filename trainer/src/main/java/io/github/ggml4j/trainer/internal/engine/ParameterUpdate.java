package io.github.ggml4j.trainer.internal.engine;

import io.github.ggml4j.tensor.Device;
import io.github.ggml4j.tensor.Graph;
import io.github.ggml4j.tensor.Tensor;
import io.github.ggml4j.tensor.internal.Kernel;
import io.github.ggml4j.tensor.internal.KernelParams;
import io.github.ggml4j.trainer.optim.Optimizer;
import io.github.ggml4j.trainer.optim.ParameterVector;
import io.github.ggml4j.trainer.optim.ParameterVector.Slice;
import io.github.ggml4j.trainer.optim.UpdateStep;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * Clips gradients by their global norm and runs the optimizer's update. Uses two graphs: one for
 * the norm, one for the update.
 */
final class ParameterUpdate implements AutoCloseable {
  private static final int PARTIAL_SUMS = 64;

  /** Added to the norm before dividing by it, as in {@code torch.nn.utils.clip_grad_norm_}. */
  private static final double CLIP_EPSILON = 1e-6;

  private final Device device;
  private final Tensor gradients;
  private final Graph normGraph;
  private final List<Tensor> squareSums;
  private final Graph updateGraph;
  private final Consumer<UpdateStep> inputs;
  private final boolean zeroesGradients;
  private long count;

  ParameterUpdate(
      Device device, Optimizer optimizer, ParameterVector parameters, Map<String, Tensor> state) {
    this.device = device;
    this.gradients = parameters.gradients();
    this.normGraph = newNormGraph(device);
    this.squareSums = normGraph.build(graph -> addNorm(graph, gradients));
    try {
      this.updateGraph = newUpdateGraph(device, optimizer, parameters.slices());
      this.inputs = updateGraph.build(graph -> optimizer.addUpdate(graph, parameters, state));
    } catch (RuntimeException | Error e) {
      normGraph.close();
      throw e;
    }
    this.zeroesGradients = optimizer.zeroesGradients(updateGraph);
  }

  static Graph newNormGraph(Device device) {
    return Graph.forward(device, 16);
  }

  static Graph newUpdateGraph(Device device, Optimizer optimizer, List<Slice> slices) {
    return Graph.forward(device, optimizer.maxNodes(slices));
  }

  /** Adds ops that compute the sum of squares of all gradients; returns the partial sums. */
  static List<Tensor> addNorm(Graph graph, Tensor gradients) {
    var sums =
        graph.has(Kernel.SUM_SQUARES)
            ? List.of(
                graph.kernel(
                    Kernel.SUM_SQUARES, KernelParams.none(), new long[] {PARTIAL_SUMS}, gradients))
            : graph.squareSums(gradients);
    sums.forEach(graph::output);
    return sums;
  }

  /** Bytes of both graphs. */
  long bytes() {
    return normGraph.bytes() + updateGraph.bytes();
  }

  /** See {@link TrainingEngine#update}. */
  float run(double rateFactor, float clipNorm) {
    return device.exclusively(() -> {
      normGraph.compute();
      double sum = 0;
      for (var tensor : squareSums) {
        for (float partial : tensor.toFloats()) {
          sum += partial;
        }
      }
      double norm = Math.sqrt(sum);
      if (!Double.isFinite(norm)) {
        gradients.zero();
        return (float) norm;
      }
      float scale = clipNorm > 0 ? (float) Math.min(1, clipNorm / (norm + CLIP_EPSILON)) : 1;
      count++;
      inputs.accept(new UpdateStep(count, rateFactor, scale));
      updateGraph.compute();
      if (!zeroesGradients) {
        gradients.zero();
      }
      return (float) norm;
    });
  }

  /** Number of updates so far. */
  long count() {
    return count;
  }

  /** Sets the number of updates so far, to resume a training. */
  void count(long updates) {
    count = updates;
  }

  @Override
  public void close() {
    normGraph.close();
    updateGraph.close();
  }
}
