package io.github.ggml4j.trainer.optim;

import io.github.ggml4j.error.InvalidArgumentException;
import io.github.ggml4j.internal.Check;
import io.github.ggml4j.tensor.DType;
import io.github.ggml4j.tensor.Graph;
import io.github.ggml4j.tensor.Tensor;
import io.github.ggml4j.tensor.internal.Kernel;
import io.github.ggml4j.tensor.internal.KernelParams;
import io.github.ggml4j.trainer.optim.ParameterVector.Slice;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Stochastic gradient descent with optional momentum, as {@code torch.optim.SGD}.
 *
 * <pre>
 *   g  = g + weightDecay * p
 *   b  = g in the first step, momentum * b + (1 - dampening) * g afterwards
 *   g  = g + momentum * b if nesterov, else b        (only with momentum)
 *   p -= lr * g
 * </pre>
 *
 * <p>Weight decay applies to all parameters, as in PyTorch.
 *
 * @param learningRate base learning rate, at least 0
 * @param momentum decay rate of the momentum buffer, in [0, 1); 0 is plain gradient descent
 * @param dampening damping of the gradient in the momentum buffer, in [0, 1]
 * @param weightDecay L2 penalty added to the gradient, at least 0
 * @param nesterov whether to use Nesterov momentum; needs momentum and no dampening
 */
public record Sgd(
    double learningRate, double momentum, double dampening, double weightDecay, boolean nesterov)
    implements Optimizer {

  private static final int NODES_OF_CHUNK = 32;

  /** Checks every value. */
  public Sgd {
    Check.notNegative("learningRate", learningRate);
    Check.fraction("momentum", momentum);
    Check.probability("dampening", dampening);
    Check.notNegative("weightDecay", weightDecay);
    if (nesterov && (momentum == 0 || dampening != 0)) {
      throw new InvalidArgumentException(
          "nesterov",
          true,
          "{momentum} above 0 and {dampening} 0",
          "They are " + momentum + " and " + dampening + ". Set {momentum} before {nesterov}");
    }
  }

  /**
   * Plain gradient descent.
   *
   * @param learningRate base learning rate
   * @return the optimizer
   */
  public static Sgd learningRate(double learningRate) {
    return new Sgd(learningRate, 0, 0, 0, false);
  }

  /**
   * The same with momentum.
   *
   * @param momentum decay rate of the momentum buffer, in [0, 1)
   * @return a changed copy
   */
  public Sgd momentum(double momentum) {
    return new Sgd(learningRate, momentum, dampening, weightDecay, nesterov);
  }

  /**
   * The same with dampening.
   *
   * @param dampening damping of the gradient in the momentum buffer, in [0, 1]
   * @return a changed copy
   */
  public Sgd dampening(double dampening) {
    return new Sgd(learningRate, momentum, dampening, weightDecay, nesterov);
  }

  /**
   * The same with weight decay.
   *
   * @param weightDecay L2 penalty added to the gradient, at least 0
   * @return a changed copy
   */
  public Sgd weightDecay(double weightDecay) {
    return new Sgd(learningRate, momentum, dampening, weightDecay, nesterov);
  }

  /**
   * The same with or without Nesterov momentum. Set the momentum first.
   *
   * @param nesterov whether to use Nesterov momentum
   * @return a changed copy
   */
  public Sgd nesterov(boolean nesterov) {
    return new Sgd(learningRate, momentum, dampening, weightDecay, nesterov);
  }

  @Override
  public List<StateSpec> state(List<Slice> slices) {
    return momentum == 0
        ? List.of()
        : List.of(StateSpec.f32("momentum_buffer", ParameterVector.length(slices)));
  }

  @Override
  public int maxNodes(List<Slice> slices) {
    return Chunks.count(slices) * NODES_OF_CHUNK;
  }

  @Override
  public boolean zeroesGradients(Graph graph) {
    return graph.has(Kernel.SGD);
  }

  @Override
  public Consumer<UpdateStep> addUpdate(
      Graph graph, ParameterVector parameters, Map<String, Tensor> state) {
    var controls = graph.input(DType.F32, Controls.COUNT);
    for (var run : StatePart.all(parameters).runs()) {
      var values = parameters.values(graph, run.parameters());
      var gradients = parameters.gradients(graph, run.parameters());
      var buffer = momentum == 0 ? null : run.state(graph, state, "momentum_buffer");
      if (graph.has(Kernel.SGD)) {
        graph.kernelInPlace(
            Kernel.SGD,
            KernelParams.none(),
            values,
            gradients,
            buffer == null ? values : buffer, // not read without momentum
            controls);
      } else {
        Chunks.forEach(
            run.parameters().length(),
            (first, count) ->
                addStockUpdate(
                    graph,
                    graph.view(values, first, count),
                    graph.view(gradients, first, count),
                    buffer == null ? null : graph.view(buffer, first, count),
                    controls));
      }
    }
    return step -> controls.setFloats(controls(step).toArray());
  }

  private void addStockUpdate(
      Graph graph, Tensor values, Tensor gradients, @Nullable Tensor buffer, Tensor controls) {
    float mu = (float) momentum;
    float tau = (float) dampening;
    var scaled = graph.mul(gradients, graph.view(controls, Controls.GRADIENT_SCALE, 1));
    var g = graph.add(scaled, graph.scale(values, (float) weightDecay, 0));
    var direction = g;
    if (buffer != null) {
      // The first step has b = g. The buffer is zero then, so dampening * g is added back.
      var first = graph.view(controls, Controls.FIRST_STEP, 1);
      var damped = graph.add(graph.scale(g, 1 - tau, 0), graph.mul(graph.scale(g, tau, 0), first));
      var b = graph.add(graph.scale(buffer, mu, 0), damped);
      graph.copyInto(b, buffer);
      direction = nesterov ? graph.add(g, graph.scale(b, mu, 0)) : b;
    }
    var rate = graph.view(controls, Controls.LEARNING_RATE, 1);
    graph.copyInto(graph.sub(values, graph.mul(direction, rate)), values);
  }

  /** The inputs of the kernel, in the order in which it reads them. */
  private record Controls(
      float learningRate,
      float momentum,
      float dampening,
      float weightDecay,
      boolean nesterov,
      boolean firstStep,
      float gradientScale) {
    static final int COUNT = 7;
    static final int LEARNING_RATE = 0;
    static final int FIRST_STEP = 5;
    static final int GRADIENT_SCALE = 6;

    float[] toArray() {
      return new float[] {
        learningRate,
        momentum,
        dampening,
        weightDecay,
        nesterov ? 1 : 0,
        firstStep ? 1 : 0,
        gradientScale
      };
    }
  }

  private Controls controls(UpdateStep step) {
    return new Controls(
        step.learningRate(learningRate),
        (float) momentum,
        (float) dampening,
        (float) weightDecay,
        nesterov,
        step.number() == 1,
        step.gradientScale());
  }
}
