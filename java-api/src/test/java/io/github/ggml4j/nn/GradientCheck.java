package io.github.ggml4j.nn;

import io.github.ggml4j.tensor.DType;
import io.github.ggml4j.tensor.Device;
import io.github.ggml4j.tensor.Graph;
import io.github.ggml4j.tensor.Parameter;
import io.github.ggml4j.tensor.Tensor;
import io.github.ggml4j.tensor.TensorStore;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;

/**
 * Computes the gradients of a weighted sum of an op's result, by the op's backward pass and by
 * finite differences.
 *
 * <p>The op has an input x, whose gradient is computed too, and any number of parameters.
 */
final class GradientCheck {
  /** Adds the op to a graph. */
  @FunctionalInterface
  interface Op {
    Tensor apply(Graph graph, Tensor x, List<Parameter> parameters);
  }

  /** Values of result and gradients: of x first, then of each parameter. */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  record Outcome(float[] result, List<float[]> gradients) {}

  private final long[] xShape;
  private final List<long[]> parameterShapes;
  private final Op op;
  private final Consumer<Graph> prepare;
  private final List<float[]> values = new ArrayList<>();
  private float[] weights = new float[0];

  GradientCheck(
      long seed, Op op, Consumer<Graph> prepare, long[] xShape, long[]... parameterShapes) {
    this.op = op;
    this.prepare = prepare;
    this.xShape = xShape;
    this.parameterShapes = List.of(parameterShapes);
    var random = new Random(seed);
    values.add(randomValues(random, xShape));
    for (var shape : parameterShapes) {
      values.add(randomValues(random, shape));
    }
  }

  private static float[] randomValues(Random random, long[] shape) {
    long n = 1;
    for (long d : shape) {
      n *= d;
    }
    var result = new float[Math.toIntExact(n)];
    for (int i = 0; i < result.length; i++) {
      result[i] = (float) random.nextGaussian();
    }
    return result;
  }

  Outcome run(Device device) {
    try (var store = new TensorStore(device, "test", 32);
        var graph = Graph.differentiable(device, 1024)) {
      var parameters = new ArrayList<Parameter>();
      for (int i = 0; i < parameterShapes.size(); i++) {
        parameters.add(
            new Parameter(
                "p" + i,
                store.add(DType.F32, parameterShapes.get(i)),
                store.add(DType.F32, parameterShapes.get(i))));
      }
      store.allocate();
      store.zero();
      for (int i = 0; i < parameters.size(); i++) {
        parameters.get(i).value().setFloats(values.get(i + 1));
      }
      var x = graph.input(DType.F32, xShape);
      var tape = graph.tape();
      if (tape == null) {
        throw new AssertionError("no tape");
      }
      tape.watch(x);
      var y = op.apply(graph, x, parameters);
      var seed = graph.input(DType.F32, y.shape());
      graph.output(y);
      tape.backward(y, seed);
      var dx = tape.gradient(x);
      if (dx != null) {
        graph.output(dx);
      }
      graph.build();
      x.setFloats(values.get(0));
      if (weights.length == 0) {
        weights = randomValues(new Random(99), y.shape());
      }
      seed.setFloats(weights);
      prepare.accept(graph);
      graph.compute();
      var gradients = new ArrayList<float[]>();
      gradients.add(dx == null ? new float[values.get(0).length] : dx.toFloats());
      parameters.forEach(p -> gradients.add(gradient(p).toFloats()));
      return new Outcome(y.toFloats(), gradients);
    }
  }

  static Tensor gradient(Parameter parameter) {
    var gradient = parameter.gradient();
    if (gradient == null) {
      throw new AssertionError(parameter.name() + " has no gradient");
    }
    return gradient;
  }

  /** The derivative of the weighted sum for one element, by central differences. */
  double difference(Device device, int tensor, int element, float step) {
    var array = values.get(tensor);
    float old = array[element];
    array[element] = old + step;
    double above = weightedSum(run(device).result());
    array[element] = old - step;
    double below = weightedSum(run(device).result());
    array[element] = old;
    return (above - below) / (2 * (double) step);
  }

  private double weightedSum(float[] result) {
    double sum = 0;
    for (int i = 0; i < result.length; i++) {
      sum += (double) result[i] * weights[i];
    }
    return sum;
  }
}
