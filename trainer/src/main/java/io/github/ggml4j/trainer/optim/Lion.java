package io.github.ggml4j.trainer.optim;

import io.github.ggml4j.internal.Check;
import io.github.ggml4j.tensor.DType;
import io.github.ggml4j.tensor.Graph;
import io.github.ggml4j.tensor.Tensor;
import io.github.ggml4j.trainer.optim.ParameterVector.Slice;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * Lion: the sign of a moving average of the gradients, with decoupled weight decay. It has half of
 * AdamW's state.
 *
 * <pre>
 *   p -= lr * weightDecay * p
 *   p -= lr * sign(beta1 * m + (1 - beta1) * g)
 *   m  = beta2 * m + (1 - beta2) * g
 * </pre>
 *
 * <p>Every parameter moves by the learning rate, so use a third to a tenth of AdamW's. The defaults
 * are the paper's: betas 0.9 and 0.99, no weight decay.
 *
 * <p>Source: Chen et al., <a href="https://arxiv.org/abs/2302.06675">Symbolic Discovery of
 * Optimization Algorithms</a>.
 *
 * @param learningRate base learning rate, at least 0; the paper's is 1e-4
 * @param beta1 weight of the average in the update, in [0, 1)
 * @param beta2 decay rate of the average, in [0, 1)
 * @param weightDecay decoupled decay per unit of learning rate, at least 0
 * @param decayVectors whether weight decay also applies to biases and LayerNorm weights; false
 *     equals Hugging Face's {@code Trainer}
 */
public record Lion(
    double learningRate, double beta1, double beta2, double weightDecay, boolean decayVectors)
    implements Optimizer {
  private static final int NODES_OF_CHUNK = 32;

  /** Checks every value. */
  public Lion {
    Check.notNegative("learningRate", learningRate);
    Check.fraction("beta1", beta1);
    Check.fraction("beta2", beta2);
    Check.notNegative("weightDecay", weightDecay);
  }

  /**
   * Lion with the paper's defaults.
   *
   * @param learningRate base learning rate, for instance 1e-5
   * @return the optimizer
   */
  public static Lion learningRate(double learningRate) {
    return new Lion(learningRate, 0.9, 0.99, 0, false);
  }

  /**
   * The same with other betas.
   *
   * @param beta1 weight of the average in the update, in [0, 1)
   * @param beta2 decay rate of the average, in [0, 1)
   * @return a changed copy
   */
  public Lion betas(double beta1, double beta2) {
    return new Lion(learningRate, beta1, beta2, weightDecay, decayVectors);
  }

  /**
   * The same with another weight decay.
   *
   * @param weightDecay decoupled decay per unit of learning rate, at least 0
   * @return a changed copy
   */
  public Lion weightDecay(double weightDecay) {
    return new Lion(learningRate, beta1, beta2, weightDecay, decayVectors);
  }

  /**
   * The same with or without weight decay of biases and LayerNorm weights.
   *
   * @param decayVectors whether they decay
   * @return a changed copy
   */
  public Lion decayVectors(boolean decayVectors) {
    return new Lion(learningRate, beta1, beta2, weightDecay, decayVectors);
  }

  @Override
  public List<StateSpec> state(List<Slice> slices) {
    return List.of(StateSpec.f32("exp_avg", ParameterVector.length(slices)));
  }

  @Override
  public int maxNodes(List<Slice> slices) {
    return 2 * Chunks.count(slices) * NODES_OF_CHUNK;
  }

  @Override
  public Consumer<UpdateStep> addUpdate(
      Graph graph, ParameterVector parameters, Map<String, Tensor> state) {
    var inputs = new ArrayList<Consumer<UpdateStep>>();
    for (var part : StatePart.of(parameters, decayVectors)) {
      var rate = graph.input(DType.F32, 1);
      var kept = graph.input(DType.F32, 1); // 1 - lr * weightDecay
      var gradientScale = graph.input(DType.F32, 1);
      for (var run : part.runs()) {
        var values = parameters.values(graph, run.parameters());
        var gradients = parameters.gradients(graph, run.parameters());
        var average = run.state(graph, state, "exp_avg");
        Chunks.forEach(
            run.parameters().length(),
            (first, count) -> {
              var p = graph.view(values, first, count);
              var m = graph.view(average, first, count);
              var g = graph.mul(graph.view(gradients, first, count), gradientScale);
              var direction = graph.sign(mix(graph, m, g, beta1));
              var decayed = graph.mul(p, kept);
              graph.copyInto(graph.sub(decayed, graph.mul(direction, rate)), p);
              graph.copyInto(mix(graph, m, g, beta2), m);
            });
      }
      double decay = part.decays() ? weightDecay : 0;
      inputs.add(step -> {
        float lr = step.learningRate(learningRate);
        rate.setFloats(lr);
        kept.setFloats((float) (1 - lr * decay));
        gradientScale.setFloats(step.gradientScale());
      });
    }
    return step -> inputs.forEach(input -> input.accept(step));
  }

  /** {@code beta * m + (1 - beta) * g}. */
  private static Tensor mix(Graph graph, Tensor m, Tensor g, double beta) {
    return graph.add(graph.scale(m, (float) beta, 0), graph.scale(g, (float) (1 - beta), 0));
  }
}
