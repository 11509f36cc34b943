package io.github.ggml4j.trainer.optim;

import io.github.ggml4j.error.InvalidArgumentException;
import io.github.ggml4j.internal.Check;
import io.github.ggml4j.tensor.DType;
import io.github.ggml4j.tensor.Graph;
import io.github.ggml4j.tensor.Tensor;
import io.github.ggml4j.trainer.optim.ParameterVector.Slice;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;

/**
 * Adafactor as {@code transformers.optimization.Adafactor} with the settings of Hugging Face's
 * {@code Trainer} for {@code optim="adafactor"}: a learning rate from outside ({@code
 * relative_step=False}, {@code scale_parameter=False}) and no first moment. The state of a matrix
 * is one number for each row and each column.
 *
 * <pre>
 *   beta = 1 - t ^ decayRate
 *   row  = beta * row + (1 - beta) * (mean over columns of g * g + eps)
 *   col  = beta * col + (1 - beta) * (mean over rows of g * g + eps)
 *   u    = g / sqrt(row / mean(row)) / sqrt(col)         of a vector: g / sqrt(v)
 *   u    = u / max(1, rms(u) / clipThreshold)
 *   p   -= lr * weightDecay * p
 *   p   -= lr * u
 * </pre>
 *
 * <p>Source: Shazeer and Stern, <a href="https://arxiv.org/abs/1804.04235">Adafactor</a>. PyTorch's
 * own {@code torch.optim.Adafactor} has other rules.
 *
 * @param learningRate base learning rate, at least 0
 * @param eps added to squared gradients, greater than 0; default 1e-30
 * @param clipThreshold largest root mean square of an update, greater than 0; default 1
 * @param decayRate exponent of the step in the decay of the second moment, less than 0; default
 *     -0.8
 * @param weightDecay decoupled decay per unit of learning rate, at least 0; default 0
 * @param decayVectors whether weight decay also applies to biases and LayerNorm weights; false
 *     equals Hugging Face's {@code Trainer}
 */
public record Adafactor(
    double learningRate,
    double eps,
    double clipThreshold,
    double decayRate,
    double weightDecay,
    boolean decayVectors)
    implements Optimizer {
  private static final int NODES_OF_SLICE = 64;

  /** Checks every value. */
  public Adafactor {
    Check.notNegative("learningRate", learningRate);
    Check.positive("eps", eps);
    Check.positive("clipThreshold", clipThreshold);
    if (!(decayRate < 0) || Double.isInfinite(decayRate)) {
      throw new InvalidArgumentException("decayRate", decayRate, "less than 0");
    }
    Check.notNegative("weightDecay", weightDecay);
  }

  /**
   * Adafactor with the defaults above.
   *
   * @param learningRate base learning rate, for instance 5e-5
   * @return the optimizer
   */
  public static Adafactor learningRate(double learningRate) {
    return new Adafactor(learningRate, 1e-30, 1, -0.8, 0, false);
  }

  /**
   * The same with another clipping of updates.
   *
   * @param clipThreshold largest root mean square of an update, greater than 0
   * @return a changed copy
   */
  public Adafactor clipThreshold(double clipThreshold) {
    return new Adafactor(learningRate, eps, clipThreshold, decayRate, weightDecay, decayVectors);
  }

  /**
   * The same with another decay of the second moment.
   *
   * @param decayRate exponent of the step, less than 0
   * @return a changed copy
   */
  public Adafactor decayRate(double decayRate) {
    return new Adafactor(learningRate, eps, clipThreshold, decayRate, weightDecay, decayVectors);
  }

  /**
   * The same with another weight decay.
   *
   * @param weightDecay decoupled decay per unit of learning rate, at least 0
   * @return a changed copy
   */
  public Adafactor weightDecay(double weightDecay) {
    return new Adafactor(learningRate, eps, clipThreshold, decayRate, weightDecay, decayVectors);
  }

  /**
   * The same with or without weight decay of biases and LayerNorm weights.
   *
   * @param decayVectors whether they decay
   * @return a changed copy
   */
  public Adafactor decayVectors(boolean decayVectors) {
    return new Adafactor(learningRate, eps, clipThreshold, decayRate, weightDecay, decayVectors);
  }

  @Override
  public List<StateSpec> state(List<Slice> slices) {
    long rows = 0;
    long columns = 0;
    long elements = 0;
    for (var slice : slices) {
      if (slice.isMatrix()) {
        rows += slice.rows();
        columns += slice.columns();
      } else {
        elements += slice.elements();
      }
    }
    return List.of(
        StateSpec.f32("exp_avg_sq_row", rows),
        StateSpec.f32("exp_avg_sq_col", columns),
        StateSpec.f32("exp_avg_sq", elements));
  }

  @Override
  public int maxNodes(List<Slice> slices) {
    return NODES_OF_SLICE * (1 + slices.size());
  }

  /**
   * Inputs of a step, each of one element.
   *
   * @param beta decay rate of the second moment
   * @param rest 1 - beta
   */
  private record Inputs(
      Tensor gradientScale, Tensor beta, Tensor rest, Tensor rate, Tensor kept, Tensor keptAll) {
    static Inputs add(Graph graph) {
      return new Inputs(one(graph), one(graph), one(graph), one(graph), one(graph), one(graph));
    }

    private static Tensor one(Graph graph) {
      return graph.input(DType.F32, 1);
    }
  }

  @Override
  public Consumer<UpdateStep> addUpdate(
      Graph graph, ParameterVector parameters, Map<String, Tensor> state) {
    var inputs = Inputs.add(graph);
    long row = 0;
    long column = 0;
    long element = 0;
    for (var slice : parameters.slices()) {
      var g = graph.mul(parameters.gradients(graph, slice), inputs.gradientScale());
      Tensor update;
      if (slice.isMatrix()) {
        var rows = graph.view(vector(state, "exp_avg_sq_row"), row, slice.rows(), 1);
        var columns = graph.view(vector(state, "exp_avg_sq_col"), column, 1, slice.columns());
        update = factored(graph, g, rows, columns, inputs);
        row += slice.rows();
        column += slice.columns();
      } else {
        var v = graph.view(vector(state, "exp_avg_sq"), element, 1, slice.columns());
        update = graph.div(g, graph.sqrt(mix(graph, v, graph.mul(g, g), inputs)));
        element += slice.columns();
      }
      var p = parameters.values(graph, slice);
      var kept = slice.isMatrix() || decayVectors ? inputs.kept() : inputs.keptAll();
      var step = graph.mul(clipped(graph, update), inputs.rate());
      graph.copyInto(graph.sub(graph.mul(p, kept), step), p);
    }
    return step -> setInputs(inputs, step);
  }

  private static Tensor vector(Map<String, Tensor> state, String name) {
    return Objects.requireNonNull(state.get(name), name);
  }

  /** {@code g / sqrt(row / mean(row)) / sqrt(col)} of a matrix (rows, columns). */
  private Tensor factored(Graph graph, Tensor g, Tensor rows, Tensor columns, Inputs inputs) {
    var squares = graph.mul(g, g); // (rows, columns)
    var row = mix(graph, rows, graph.mean(squares), inputs); // (rows, 1)
    var columnMeans =
        graph.scale(graph.columnSums(squares), 1f / (float) g.rows(), 0); // (1, columns)
    var column = mix(graph, columns, columnMeans, inputs);
    var mean = graph.mean(graph.reshape(row, 1, row.rows())); // (1, 1)
    return graph.div(
        graph.div(g, graph.sqrt(column)), graph.sqrt(graph.div(row, mean))); // (rows, columns)
  }

  /** Updates a moving average in place to {@code beta * v + (1 - beta) * (x + eps)}. */
  private Tensor mix(Graph graph, Tensor v, Tensor x, Inputs inputs) {
    var added = graph.mul(graph.scale(x, 1, (float) eps), inputs.rest());
    return graph.copyInto(graph.add(graph.mul(v, inputs.beta()), added), v);
  }

  /** {@code u / max(1, rms(u) / clipThreshold)}. */
  private Tensor clipped(Graph graph, Tensor u) {
    var rms = graph.sqrt(MeanSquare.add(graph, u)); // (1, 1)
    var excess = graph.scale(rms, (float) (1 / clipThreshold), 0);
    return graph.div(u, graph.clamp(excess, 1, Float.MAX_VALUE));
  }

  private void setInputs(Inputs inputs, UpdateStep step) {
    double beta = 1 - Math.pow((double) step.number(), decayRate);
    float lr = step.learningRate(learningRate);
    inputs.gradientScale().setFloats(step.gradientScale());
    inputs.beta().setFloats((float) beta);
    inputs.rest().setFloats((float) (1 - beta));
    inputs.rate().setFloats(lr);
    inputs.kept().setFloats((float) (1 - lr * weightDecay));
    inputs.keptAll().setFloats(1);
  }
}
