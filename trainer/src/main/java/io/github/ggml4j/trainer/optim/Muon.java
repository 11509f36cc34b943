package io.github.ggml4j.trainer.optim;

import io.github.ggml4j.error.InvalidArgumentException;
import io.github.ggml4j.internal.Check;
import io.github.ggml4j.nn.Linear;
import io.github.ggml4j.tensor.DType;
import io.github.ggml4j.tensor.Graph;
import io.github.ggml4j.tensor.Parameter;
import io.github.ggml4j.tensor.Tensor;
import io.github.ggml4j.trainer.optim.ParameterVector.Slice;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;

/**
 * Muon, as {@code torch.optim.Muon}: momentum whose matrices are made nearly orthogonal by
 * Newton-Schulz iterations. It updates matrices of the blocks only; another optimizer updates
 * embeddings, biases and LayerNorm weights: {@code Muon.learningRate(2e-2).others(AdamW...)}.
 *
 * <pre>
 *   b  = momentum * b + (1 - momentum) * g
 *   u  = nesterov: momentum * b + (1 - momentum) * g, else b
 *   x  = u / max(norm(u), 1e-7), transposed if it has more rows than columns
 *   5 times: s = x xᵀ;  x = 3.4445 x + (-4.775 s + 2.0315 s s) x
 *   p -= lr * weightDecay * p
 *   p -= lr * adjustment * x
 * </pre>
 *
 * <p>PyTorch iterates in bfloat16, this class in float32; the updates differ by about 1.4 percent.
 * The iterations of GPT-2 124M take about twice as long as a batch of 8 x 128 tokens, so accumulate
 * gradients over several batches on a CPU. Sources: Jordan et al., <a
 * href="https://kellerjordan.github.io/posts/muon/">Muon</a>; Liu et al., <a
 * href="https://arxiv.org/abs/2502.16982">Muon is Scalable for LLM Training</a>.
 *
 * @param learningRate base learning rate, at least 0
 * @param momentum decay rate of the momentum buffer, in [0, 1); default 0.95
 * @param nesterov whether to use Nesterov momentum; default true
 * @param weightDecay decoupled decay per unit of learning rate, at least 0; default 0.1
 * @param adjustment factor on the rate by the shape of a matrix; default {@link
 *     Adjustment#ORIGINAL}
 */
public record Muon(
    double learningRate,
    double momentum,
    boolean nesterov,
    double weightDecay,
    Adjustment adjustment)
    implements Optimizer {

  /** The matrices of the blocks: attention and MLP, without LayerNorm. */
  public static final String BLOCK_MATRICES = "^h\\.\\d+\\.(attn|mlp)\\..*\\.weight$";

  private static final int ITERATIONS = 5;
  private static final float A = 3.4445f;
  private static final float B = -4.7750f;
  private static final float C = 2.0315f;
  private static final float EPS = 1e-7f;
  private static final int NODES_OF_SLICE = 128;

  /** {@code adjust_lr_fn}: factor on the rate of a matrix (out, in). */
  public enum Adjustment {
    /** {@code sqrt(max(1, out / in))}. */
    ORIGINAL {
      @Override
      double factor(long out, long in) {
        return Math.sqrt(Math.max(1, (double) out / (double) in));
      }
    },
    /** {@code 0.2 sqrt(max(out, in))}: updates as large as AdamW's, so its rates can be used. */
    MATCH_RMS_ADAMW {
      @Override
      double factor(long out, long in) {
        return 0.2 * Math.sqrt((double) Math.max(out, in));
      }
    };

    abstract double factor(long out, long in);
  }

  /** Checks every value. */
  public Muon {
    Check.notNegative("learningRate", learningRate);
    Check.fraction("momentum", momentum);
    Check.notNegative("weightDecay", weightDecay);
  }

  /**
   * Muon with PyTorch's defaults.
   *
   * @param learningRate base learning rate, for instance 2e-2
   * @return the optimizer; complete it with {@link #others}
   */
  public static Muon learningRate(double learningRate) {
    return new Muon(learningRate, 0.95, true, 0.1, Adjustment.ORIGINAL);
  }

  /**
   * The same with another momentum.
   *
   * @param momentum decay rate of the momentum buffer, in [0, 1)
   * @return a changed copy
   */
  public Muon momentum(double momentum) {
    return new Muon(learningRate, momentum, nesterov, weightDecay, adjustment);
  }

  /**
   * The same with or without Nesterov momentum.
   *
   * @param nesterov whether to use Nesterov momentum
   * @return a changed copy
   */
  public Muon nesterov(boolean nesterov) {
    return new Muon(learningRate, momentum, nesterov, weightDecay, adjustment);
  }

  /**
   * The same with another weight decay.
   *
   * @param weightDecay decoupled decay per unit of learning rate, at least 0
   * @return a changed copy
   */
  public Muon weightDecay(double weightDecay) {
    return new Muon(learningRate, momentum, nesterov, weightDecay, adjustment);
  }

  /**
   * The same with another factor on the rate.
   *
   * @param adjustment by the shape of a matrix
   * @return a changed copy
   */
  public Muon adjustment(Adjustment adjustment) {
    return new Muon(learningRate, momentum, nesterov, weightDecay, adjustment);
  }

  /**
   * Muon on the matrices of the blocks and another optimizer on all other parameters.
   *
   * @param others for instance AdamW; its base learning rate is the one that is reported
   * @return both
   */
  public ParameterGroups others(Optimizer others) {
    return others.group(BLOCK_MATRICES, this);
  }

  @Override
  public List<StateSpec> state(List<Slice> slices) {
    for (var slice : slices) {
      if (!slice.isMatrix()) {
        throw new InvalidArgumentException(
            "optimizer",
            "Muon for " + slice.name(),
            "an optimizer for vectors",
            "Muon updates matrices only. Use Muon.others to give all other parameters another"
                + " optimizer");
      }
    }
    return List.of(StateSpec.f32("momentum_buffer", ParameterVector.length(slices)));
  }

  @Override
  public int maxNodes(List<Slice> slices) {
    return NODES_OF_SLICE * (1 + slices.size());
  }

  @Override
  public Consumer<UpdateStep> addUpdate(
      Graph graph, ParameterVector parameters, Map<String, Tensor> state) {
    var buffers = Objects.requireNonNull(state.get("momentum_buffer"));
    var gradientScale = graph.input(DType.F32, 1);
    var kept = graph.input(DType.F32, 1); // 1 - lr * weightDecay
    var rate = graph.input(DType.F32, 1);
    long at = 0;
    for (var slice : parameters.slices()) {
      var g = graph.mul(parameters.gradients(graph, slice), gradientScale);
      var buffer = graph.view(buffers, at, slice.rows(), slice.columns());
      var b = graph.copyInto(mix(graph, buffer, g), buffer);
      var x = orthogonal(graph, nesterov ? mix(graph, b, g) : b);
      var p = parameters.values(graph, slice);
      float factor = (float) adjustment.factor(slice.rows(), slice.columns());
      var step = graph.mul(graph.scale(x, factor, 0), rate);
      graph.copyInto(graph.sub(graph.mul(p, kept), step), p);
      at += slice.length();
    }
    return step -> {
      float lr = step.learningRate(learningRate);
      gradientScale.setFloats(step.gradientScale());
      kept.setFloats((float) (1 - lr * weightDecay));
      rate.setFloats(lr);
    };
  }

  /** {@code momentum * b + (1 - momentum) * g}. */
  private Tensor mix(Graph graph, Tensor b, Tensor g) {
    return graph.add(
        graph.scale(b, (float) momentum, 0), graph.scale(g, (float) (1 - momentum), 0));
  }

  /** The Newton-Schulz iterations on {@code u}, (out, in). */
  private static Tensor orthogonal(Graph graph, Tensor u) {
    boolean tall = u.rows() > u.columns();
    var wide = tall ? graph.cont(graph.transpose(u)) : u; // (m, n), m at most n
    var norm = graph.sqrt(graph.scale(MeanSquare.add(graph, wide), (float) wide.elements(), 0));
    var x = graph.div(wide, graph.clamp(norm, EPS, Float.MAX_VALUE));
    for (int i = 0; i < ITERATIONS; i++) {
      var s = product(graph, x, x); // (m, m), symmetric
      var polynomial =
          graph.add(graph.scale(s, B, 0), graph.scale(product(graph, s, s), C, 0)); // (m, m)
      var turned = graph.cont(graph.transpose(x)); // (n, m)
      x = graph.add(graph.scale(x, A, 0), product(graph, polynomial, turned));
    }
    return tall ? graph.cont(graph.transpose(x)) : x;
  }

  /** {@code a bᵀ}. */
  private static Tensor product(Graph graph, Tensor a, Tensor b) {
    return new Linear(new Parameter("Newton-Schulz", b, null), null).forward(graph, a);
  }
}
