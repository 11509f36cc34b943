package io.github.ggml4j.nn;

import io.github.ggml4j.internal.Check;
import io.github.ggml4j.tensor.DType;
import io.github.ggml4j.tensor.Graph;
import io.github.ggml4j.tensor.Tensor;
import io.github.ggml4j.tensor.internal.Kernel;
import io.github.ggml4j.tensor.internal.KernelParams;
import org.jspecify.annotations.Nullable;

/**
 * Multi-head causal self-attention (Vaswani et al. 2017, arXiv:1706.03762) over whole sequences,
 * between {@code c_attn} and {@code c_proj}, as {@code GPT2Attention} in transformers: {@code
 * softmax(scale q kᵀ + mask) v} for each head. Each token sees itself and the tokens before it.
 * Differentiable.
 *
 * <p>Shapes: qkv {@code (B * T, 3 C)} with query, key and value of a token in one row, each head by
 * head; result {@code (B * T, C)}. F32.
 *
 * <p>Backward of one head, with the probabilities P, the probabilities D after dropout and the
 * scores S: {@code dv = Dᵀ dy}, {@code dD = dy vᵀ}, {@code dS = P (dP - sum of dP P)}, {@code dq =
 * scale dS k}, {@code dk = scale dSᵀ q}.
 *
 * <p>One instance serves all layers of one graph.
 */
public abstract sealed class CausalAttention {
  final Graph graph;
  final int batch;
  final int length;

  private CausalAttention(Graph graph, int batch, int length) {
    this.graph = graph;
    this.batch = batch;
    this.length = length;
  }

  /**
   * Attention within sequences that have the same length.
   *
   * @param batch B, the number of sequences, at least 1
   * @param length T, the number of tokens of each sequence, at least 1
   */
  public static CausalAttention of(Graph graph, int batch, int length) {
    Check.atLeast("batch", batch, 1);
    Check.atLeast("length", length, 1);
    return graph.has(Kernel.ATTENTION_FORWARD)
        ? new Fused(graph, batch, length)
        : new Stock(graph, batch, length);
  }

  /**
   * Adds the attention of one layer.
   *
   * @param qkv {@code (B * T, 3 C)}
   * @param nHead the number of heads, a divisor of C
   * @param scale factor on the scores
   * @return {@code (B * T, C)}
   */
  public Tensor forward(Tensor qkv, int nHead, float scale) {
    return forward(qkv, nHead, scale, null, 0);
  }

  /**
   * Adds the attention of one layer with dropout of the probabilities.
   *
   * @param dropout the dropouts of the graph; null for none
   * @param probability {@code attn_pdrop}
   */
  public Tensor forward(
      Tensor qkv, int nHead, float scale, @Nullable Dropout dropout, float probability) {
    var heads = Heads.of(graph, qkv, nHead);
    if (qkv.rows() != tokens()) {
      throw new IllegalArgumentException(
          "qkv is " + qkv + ", expected " + batch + " * " + length + " rows, one for each token");
    }
    return attend(qkv, heads, scale, probability == 0 ? null : dropout, probability);
  }

  abstract Tensor attend(
      Tensor qkv, Heads heads, float scale, @Nullable Dropout dropout, float probability);

  final long tokens() {
    return (long) batch * length;
  }

  private static final class Fused extends CausalAttention {
    /** The kernel has a seed among its sources and does not read it without dropout. */
    private @Nullable Tensor unusedSeed;

    Fused(Graph graph, int batch, int length) {
      super(graph, batch, length);
    }

    @Override
    Tensor attend(
        Tensor qkv, Heads heads, float scale, @Nullable Dropout dropout, float probability) {
      var params = KernelParams.none().heads(heads.nHead()).sequences(batch).scale(scale);
      if (dropout != null) {
        params.dropout(probability).site(dropout.nextSite());
      }
      var seed = dropout == null ? unusedSeed() : dropout.seedTensor();
      long[] shape = {tokens(), heads.nEmbd()};
      var tape = graph.tape();
      var y =
          tape == null
              ? graph.kernel(Kernel.ATTENTION_FORWARD, params, shape, qkv, seed)
              : tape.result(() -> graph.kernel(Kernel.ATTENTION_FORWARD, params, shape, qkv, seed));
      if (tape != null) {
        tape.record(
            y,
            dy ->
                tape.add(
                    qkv,
                    graph.kernel(Kernel.ATTENTION_BACKWARD, params, qkv.shape(), qkv, dy, seed)),
            qkv);
      }
      return y;
    }

    private Tensor unusedSeed() {
      if (unusedSeed == null) {
        unusedSeed = graph.input(DType.I32, 2);
      }
      return unusedSeed;
    }
  }

  private static final class Stock extends CausalAttention {
    /** Added to the scores of later tokens. */
    private static final float MASKED = -1e9f;

    /** {@code (T, T)}: 0 for the keys that a query sees. */
    private final Tensor mask;

    Stock(Graph graph, int batch, int length) {
      super(graph, batch, length);
      var values = new float[Math.multiplyExact(length, length)];
      for (int q = 0; q < length; q++) {
        for (int k = q + 1; k < length; k++) {
          values[q * length + k] = MASKED;
        }
      }
      this.mask = graph.constant(values, length, length);
    }

    @Override
    Tensor attend(
        Tensor qkv, Heads heads, float scale, @Nullable Dropout dropout, float probability) {
      int site = dropout == null ? 0 : dropout.nextSite();
      var layer = new Layer(qkv, heads, scale, dropout, probability, site);
      var y = layer.forward();
      var tape = graph.tape();
      if (tape != null) {
        tape.record(y, dy -> tape.add(qkv, layer.backward(dy)), qkv);
      }
      return y;
    }

    /**
     * One layer. The probabilities are the largest of all activations; the backward pass computes
     * them again instead of keeping them.
     */
    private final class Layer {
      private final Tensor qkv;
      private final Heads heads;
      private final float scale;
      private final @Nullable Dropout dropout;
      private final float probability;
      private final int site;

      Layer(
          Tensor qkv,
          Heads heads,
          float scale,
          @Nullable Dropout dropout,
          float probability,
          int site) {
        this.qkv = qkv;
        this.heads = heads;
        this.scale = scale;
        this.dropout = dropout;
        this.probability = probability;
        this.site = site;
      }

      Tensor forward() {
        var p = drop(probabilities(query(), key())); // (B, NH, T, T)
        return merge(graph.outProd(flat(value()), graph.transpose(flat(p))));
      }

      Tensor backward(Tensor dy) {
        var q = query(); // (B, NH, T, HS)
        var k = key(); // (B, NH, T, HS)
        var p = probabilities(q, k); // (B, NH, T, T)
        var dOut = heads.split(dy, 0, batch); // (B, NH, T, HS)
        var dS = graph.softMaxBack(drop(graph.mulMat(value(), dOut)), p, scale); // (B, NH, T, T)
        var dQ = merge(graph.outProd(flat(k), graph.transpose(flat(dS)))); // (B * T, C)
        var dK = merge(graph.outProd(flat(q), flat(dS))); // (B * T, C)
        var dV = merge(graph.outProd(flat(dOut), flat(drop(p)))); // (B * T, C)
        return graph.concatColumns(graph.concatColumns(dQ, dK), dV); // (B * T, 3 C)
      }

      private Tensor query() {
        return heads.split(qkv, 0, batch);
      }

      private Tensor key() {
        return heads.split(qkv, heads.nEmbd(), batch);
      }

      private Tensor value() {
        return heads.split(qkv, 2 * heads.nEmbd(), batch);
      }

      /** {@code softmax(scale q kᵀ + mask)}: {@code (B, NH, T, T)}. */
      private Tensor probabilities(Tensor q, Tensor k) {
        return graph.softMax(graph.mulMat(k, q), mask, scale);
      }

      /** Applies the dropout to probabilities, or to their gradient. */
      private Tensor drop(Tensor x) {
        return dropout == null ? x : dropout.apply(x, probability, site);
      }

      /** {@code (B, NH, T, n)} as {@code (B * NH, T, n)}: a GPU multiplies these in one call. */
      private Tensor flat(Tensor x) {
        return graph.reshape(x, x.dim(-4) * x.dim(-3), x.dim(-2), x.dim(-1));
      }

      /** {@code (B * NH, T, HS)} as {@code (B * T, C)}. */
      private Tensor merge(Tensor x) {
        return heads.merge(graph.reshape(x, batch, heads.nHead(), x.dim(-2), x.dim(-1)), tokens());
      }
    }
  }
}
