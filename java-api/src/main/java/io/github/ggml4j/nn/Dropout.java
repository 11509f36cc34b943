package io.github.ggml4j.nn;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.github.ggml4j.internal.Check;
import io.github.ggml4j.internal.SplitMix64;
import io.github.ggml4j.tensor.DType;
import io.github.ggml4j.tensor.Graph;
import io.github.ggml4j.tensor.Tensor;
import io.github.ggml4j.tensor.internal.Kernel;
import io.github.ggml4j.tensor.internal.KernelParams;
import java.lang.foreign.Arena;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Dropout (Srivastava et al. 2014), as {@code torch.nn.Dropout} in training: each element is zeroed
 * with probability p, the others are scaled by {@code 1 / (1 - p)}.
 *
 * <p>Which elements are zeroed depends only on the seed of the step, the number of the dropout in
 * the graph (its site) and the index of the element. So the backward pass computes the same mask
 * again instead of keeping it, and the number of threads does not matter. Random numbers are those
 * of SplitMix64 (Steele, Lea, Flood 2014), computed from a counter.
 *
 * <p>One instance serves all dropouts of one graph.
 */
public final class Dropout {
  private record Mask(Tensor tensor, int site, float probability) {}

  private final Graph graph;
  private final Tensor seed;
  private final Map<Integer, Mask> stockMasks = new LinkedHashMap<>();
  private int sites;

  /** Creates the dropouts of {@code graph}. Call {@link #seed(long)} before each computation. */
  public Dropout(Graph graph) {
    this.graph = graph;
    this.seed = graph.input(DType.I32, 2);
  }

  /** Sets the seed of the next computation. */
  public void seed(long value) {
    seed.setInts((int) value, (int) (value >>> 32));
    for (var mask : stockMasks.values()) {
      fill(mask, value);
    }
  }

  /**
   * Drops elements of {@code x} with probability {@code p}; returns {@code x} if p is 0.
   *
   * @param p 0 to less than 1
   */
  public Tensor forward(Tensor x, float p) {
    return forward(x, p, null);
  }

  /** {@code residual + dropout(x)}. */
  public Tensor forward(Tensor x, float p, @Nullable Tensor residual) {
    Check.fraction("dropout", p);
    if (p == 0) {
      return residual == null ? x : graph.add(residual, x);
    }
    Inputs.matrix("Dropout", x);
    if (residual != null) {
      Inputs.matrix("The residual of a dropout", residual, x.rows(), x.columns());
    }
    int site = nextSite();
    var tape = graph.tape();
    var y =
        tape == null
            ? dropped(x, p, site, residual)
            : tape.result(() -> dropped(x, p, site, residual));
    if (tape != null) {
      tape.recordAlways(
          y,
          dy -> {
            if (tape.tracks(x)) {
              tape.add(x, dropped(dy, p, site, null));
            }
            if (residual != null) {
              tape.add(residual, dy);
            }
          });
    }
    return y;
  }

  /** Applies the mask of a site to {@code x}, which may have any shape. */
  Tensor apply(Tensor x, float p, int site) {
    return dropped(x, p, site, null);
  }

  private Tensor dropped(Tensor x, float p, int site, @Nullable Tensor residual) {
    if (!graph.has(Kernel.DROPOUT)) {
      var mul = graph.mul(x, stockMask(site, p, x.shape()));
      return residual == null ? mul : graph.add(residual, mul);
    }
    var params = KernelParams.none().dropout(p).site(site).residual(residual != null);
    return residual == null
        ? graph.kernel(Kernel.DROPOUT, params, x.shape(), x, seed)
        : graph.kernel(Kernel.DROPOUT, params, x.shape(), x, seed, residual);
  }

  /** {@code (2)} I32: the low and the high word of the seed. */
  Tensor seedTensor() {
    return seed;
  }

  /**
   * A segment for {@link io.github.ggml4j.tensor.Tape#checkpoint} whose dropouts have the same
   * masks each time it is applied. Apply it for the first time before other dropouts are added.
   */
  public UnaryOperator<Tensor> repeatable(UnaryOperator<Tensor> segment) {
    int first = sites;
    return x -> {
      int next = sites;
      sites = first;
      var y = segment.apply(x);
      sites = Math.max(next, sites);
      return y;
    };
  }

  /** A number for the next dropout of the graph. */
  int nextSite() {
    return sites++;
  }

  /** The factors of a site, 0 or {@code 1 / (1 - p)}; {@link #seed(long)} draws them. */
  private Tensor stockMask(int site, float p, long... shape) {
    return stockMasks
        .computeIfAbsent(site, _ -> new Mask(graph.input(DType.F32, shape), site, p))
        .tensor();
  }

  private static void fill(Mask mask, long seed) {
    long n = mask.tensor().elements();
    try (var arena = Arena.ofConfined()) {
      var values = arena.allocate(JAVA_FLOAT, n);
      float keep = 1 / (1 - mask.probability());
      for (long i = 0; i < n; i++) {
        values.setAtIndex(
            JAVA_FLOAT, i, uniform(seed, mask.site(), i) >= mask.probability() ? keep : 0);
      }
      mask.tensor().set(values);
    }
  }

  /**
   * Number {@code index} of the random stream of a site, in [0, 1); the same bits as {@code
   * ggml4j_uniform} in the kernels.
   */
  static float uniform(long seed, long site, long index) {
    long z = SplitMix64.mix(seed + site * SplitMix64.GAMMA);
    z = SplitMix64.mix(z + index * 0xD1B54A32D192ED03L);
    return (z >>> 40) * 0x1p-24f;
  }
}
