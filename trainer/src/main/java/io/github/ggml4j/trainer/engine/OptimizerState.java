package io.github.ggml4j.trainer.engine;

import io.github.ggml4j.model.FlatLayout;
import io.github.ggml4j.tensor.DType;
import io.github.ggml4j.tensor.Device;
import io.github.ggml4j.tensor.Graph;
import io.github.ggml4j.tensor.Tensor;
import io.github.ggml4j.tensor.internal.Kernel;
import io.github.ggml4j.tensor.internal.KernelParams;
import java.util.List;

/** Clips gradients by their global norm and applies an update rule, step by step. */
final class OptimizerState implements AutoCloseable {
  private static final int PARTIAL_SUMS = 64;

  /** What {@code torch.nn.utils.clip_grad_norm_} adds to the norm before dividing by it. */
  private static final double CLIP_EPSILON = 1e-6;

  private final Device device;
  private final UpdateRule rule;
  private final Tensor gradients;
  private final Graph normGraph;
  private final List<Tensor> squares;
  private final Graph updateGraph;
  private final List<Tensor> controls;
  private long step;

  OptimizerState(
      Device device,
      UpdateRule rule,
      FlatLayout layout,
      Tensor values,
      Tensor gradients,
      List<Tensor> state) {
    this.device = device;
    this.rule = rule;
    this.gradients = gradients;
    this.normGraph = newNormGraph(device);
    this.updateGraph = newUpdateGraph(device, rule, layout);
    try {
      this.squares = addNorm(normGraph, gradients);
      normGraph.build();
      this.controls = addUpdate(updateGraph, rule, layout, values, gradients, state);
      updateGraph.build();
    } catch (RuntimeException | Error e) {
      normGraph.close();
      updateGraph.close();
      throw e;
    }
  }

  static Graph newNormGraph(Device device) {
    return Graph.forward(device, 16);
  }

  static Graph newUpdateGraph(Device device, UpdateRule rule, FlatLayout layout) {
    return Graph.forward(device, rule.maxNodes(layout));
  }

  /** Adds the sum of squares; returns its parts. */
  static List<Tensor> addNorm(Graph graph, Tensor gradients) {
    var sums =
        graph.fused()
            ? List.of(
                graph.kernel(
                    Kernel.SUM_SQUARES, KernelParams.none(), new long[] {PARTIAL_SUMS}, gradients))
            : graph.squareSums(gradients);
    sums.forEach(graph::output);
    return sums;
  }

  /** Adds the update; returns its inputs. */
  static List<Tensor> addUpdate(
      Graph graph,
      UpdateRule rule,
      FlatLayout layout,
      Tensor values,
      Tensor gradients,
      List<Tensor> state) {
    var inputs = List.of(graph.input(DType.F32, 8), graph.input(DType.F32, 8));
    rule.update(graph, layout, values, gradients, state, inputs);
    return inputs;
  }

  /** Bytes of both graphs. */
  long bytes() {
    return normGraph.bytes() + updateGraph.bytes();
  }

  /** As {@link TrainingEngine#update}: gradients that are not finite leave everything as it was. */
  float update(float learningRate, float clipNorm) {
    return device.exclusively(() -> {
      normGraph.compute();
      double sum = 0;
      for (var tensor : squares) {
        for (float part : tensor.toFloats()) {
          sum += part;
        }
      }
      double norm = Math.sqrt(sum);
      if (!Double.isFinite(norm)) {
        gradients.zero();
        return (float) norm;
      }
      float scale = clipNorm > 0 ? (float) Math.min(1, clipNorm / (norm + CLIP_EPSILON)) : 1;
      step++;
      controls.get(0).setFloats(rule.controls(step, learningRate, scale, true));
      controls.get(1).setFloats(rule.controls(step, learningRate, scale, false));
      updateGraph.compute();
      if (!device.fusedKernels()) {
        gradients.zero(); // the kernels do it in passing
      }
      return (float) norm;
    });
  }

  /** How many updates there were. */
  long step() {
    return step;
  }

  /** Goes on as after so many updates. */
  void step(long value) {
    step = value;
  }

  @Override
  public void close() {
    normGraph.close();
    updateGraph.close();
  }
}
