package io.github.ggml4j.trainer.optim;

import io.github.ggml4j.internal.Check;
import io.github.ggml4j.tensor.DType;
import io.github.ggml4j.tensor.Graph;
import io.github.ggml4j.tensor.Tensor;
import io.github.ggml4j.tensor.internal.Kernel;
import io.github.ggml4j.tensor.internal.KernelParams;
import io.github.ggml4j.trainer.optim.ParameterVector.Slice;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * Adam with decoupled weight decay and bias correction, as {@code torch.optim.AdamW}.
 *
 * <pre>
 *   p -= lr * weightDecay * p
 *   m  = beta1 * m + (1 - beta1) * g
 *   v  = beta2 * v + (1 - beta2) * g * g
 *   p -= lr * (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + eps)
 * </pre>
 *
 * <p>{@link #learningRate(double)} takes its other values from Hugging Face's {@code
 * TrainingArguments}: betas 0.9 and 0.999, eps 1e-8, no weight decay. {@code torch.optim.AdamW} has
 * a default weight decay of 0.01 instead.
 *
 * <p>Source: Loshchilov and Hutter, <a href="https://arxiv.org/abs/1711.05101">Decoupled Weight
 * Decay Regularization</a>.
 *
 * @param learningRate base learning rate, at least 0
 * @param beta1 decay rate of the first moment, in [0, 1)
 * @param beta2 decay rate of the second moment, in [0, 1)
 * @param eps added to the denominator, greater than 0
 * @param weightDecay decoupled decay per unit of learning rate, at least 0
 * @param decayVectors whether weight decay also applies to biases and LayerNorm weights. True
 *     equals {@code torch.optim.AdamW} with a single parameter group; false equals Hugging Face's
 *     {@code Trainer}
 */
public record AdamW(
    double learningRate,
    double beta1,
    double beta2,
    double eps,
    double weightDecay,
    boolean decayVectors)
    implements Optimizer {

  /** Checks every value. */
  public AdamW {
    Check.notNegative("learningRate", learningRate);
    Check.fraction("beta1", beta1);
    Check.fraction("beta2", beta2);
    Check.positive("eps", eps);
    Check.notNegative("weightDecay", weightDecay);
  }

  /**
   * AdamW with the defaults above and this learning rate.
   *
   * @param learningRate base learning rate, for instance 3e-5
   * @return the optimizer
   */
  public static AdamW learningRate(double learningRate) {
    return new AdamW(learningRate, 0.9, 0.999, 1e-8, 0, false);
  }

  /**
   * AdamW with the defaults of {@code torch.optim.AdamW}: weight decay 0.01 on all parameters.
   *
   * @param learningRate base learning rate; 1e-3 in PyTorch
   * @return the optimizer
   */
  public static AdamW torch(double learningRate) {
    return new AdamW(learningRate, 0.9, 0.999, 1e-8, 0.01, true);
  }

  /**
   * The same with other decay rates of the moments.
   *
   * @param beta1 of the first moment, in [0, 1)
   * @param beta2 of the second moment, in [0, 1)
   * @return a changed copy
   */
  public AdamW betas(double beta1, double beta2) {
    return new AdamW(learningRate, beta1, beta2, eps, weightDecay, decayVectors);
  }

  /**
   * The same with another eps.
   *
   * @param eps added to the denominator, greater than 0
   * @return a changed copy
   */
  public AdamW eps(double eps) {
    return new AdamW(learningRate, beta1, beta2, eps, weightDecay, decayVectors);
  }

  /**
   * The same with another weight decay.
   *
   * @param weightDecay decoupled decay per unit of learning rate, at least 0
   * @return a changed copy
   */
  public AdamW weightDecay(double weightDecay) {
    return new AdamW(learningRate, beta1, beta2, eps, weightDecay, decayVectors);
  }

  /**
   * The same with or without weight decay of biases and LayerNorm weights.
   *
   * @param decayVectors whether they decay
   * @return a changed copy
   */
  public AdamW decayVectors(boolean decayVectors) {
    return new AdamW(learningRate, beta1, beta2, eps, weightDecay, decayVectors);
  }

  @Override
  public List<StateSpec> state(List<Slice> slices) {
    long length = ParameterVector.length(slices);
    return List.of(StateSpec.f32("exp_avg", length), StateSpec.f32("exp_avg_sq", length));
  }

  @Override
  public boolean zeroesGradients(Graph graph) {
    return graph.has(Kernel.ADAMW);
  }

  @Override
  public Consumer<UpdateStep> addUpdate(
      Graph graph, ParameterVector parameters, Map<String, Tensor> state) {
    var inputs = new ArrayList<Consumer<UpdateStep>>();
    for (var part : StatePart.of(parameters, decayVectors)) {
      var controls = graph.input(DType.F32, Controls.COUNT);
      for (var run : part.runs()) {
        addUpdate(
            graph,
            parameters.values(graph, run.parameters()),
            parameters.gradients(graph, run.parameters()),
            run.state(graph, state, "exp_avg"),
            run.state(graph, state, "exp_avg_sq"),
            controls);
      }
      inputs.add(step -> controls.setFloats(controls(step, part.decays()).toArray()));
    }
    return step -> inputs.forEach(input -> input.accept(step));
  }

  private static void addUpdate(
      Graph graph, Tensor values, Tensor gradients, Tensor m, Tensor v, Tensor controls) {
    if (graph.has(Kernel.ADAMW)) {
      // All of them decay if the rate of decay is not 0.
      var params = KernelParams.none().offset(values.elements());
      graph.kernelInPlace(Kernel.ADAMW, params, values, gradients, m, v, controls);
    } else {
      graph.mulInPlace(gradients, graph.view(controls, Controls.GRADIENT_SCALE, 1));
      graph.adamW(values, gradients, m, v, graph.view(controls, 0, Controls.COUNT_OF_GGML));
    }
  }

  /**
   * The inputs of the ops, in the order in which they read them. {@code ggml_opt_step_adamw} reads
   * all but the last.
   */
  private record Controls(
      float learningRate,
      float beta1,
      float beta2,
      float eps,
      float weightDecay,
      float correction1,
      float correction2,
      float gradientScale) {
    static final int COUNT = 8;
    static final int COUNT_OF_GGML = 7;
    static final int GRADIENT_SCALE = 7;

    float[] toArray() {
      return new float[] {
        learningRate, beta1, beta2, eps, weightDecay, correction1, correction2, gradientScale
      };
    }
  }

  private Controls controls(UpdateStep step, boolean decays) {
    return new Controls(
        step.learningRate(learningRate),
        (float) beta1,
        (float) beta2,
        (float) eps,
        decays ? (float) weightDecay : 0,
        correction(beta1, step),
        correction(beta2, step),
        step.gradientScale());
  }

  /** 1 / (1 - beta^t). */
  private static float correction(double beta, UpdateStep step) {
    return (float) (1 / (1 - Math.pow((float) beta, (double) step.number())));
  }
}
