package io.github.ggml4j.nn;

import io.github.ggml4j.tensor.DType;
import io.github.ggml4j.tensor.Graph;
import io.github.ggml4j.tensor.Tensor;
import io.github.ggml4j.tensor.internal.Kernel;
import io.github.ggml4j.tensor.internal.KernelParams;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Multi-head causal self-attention (Vaswani et al. 2017, arXiv:1706.03762) between {@code c_attn}
 * and {@code c_proj}, as {@code GPT2Attention} in transformers: {@code softmax(scale q kᵀ + mask)
 * v} for each head.
 *
 * <p>Shapes: qkv {@code (tokens, 3 nEmbd)}: query, key and value of each token one behind the
 * other, heads one behind the other in each; result {@code (tokens, nEmbd)}. All F32; the cache F32
 * or F16.
 *
 * <p>Backward of one head with P the probabilities, D the dropped ones and S the scores: {@code dv
 * = Dᵀ dy}, {@code dD = dy vᵀ}, {@code dS = P (dP - sum of dP P)}, {@code dq = scale dS k}, {@code
 * dk = scale dSᵀ q}.
 */
public final class Attention {
  private Attention() {}

  /**
   * Attention over keys and values of a cache, which the new tokens' keys and values are written
   * to.
   *
   * @param keys and {@code values}: the cache of this layer, {@code (rows, nEmbd)}
   */
  public static Tensor cached(
      Graph graph,
      Tensor qkv,
      int nHead,
      float scale,
      Tensor keys,
      Tensor values,
      CacheBatch batch) {
    long nEmbd = checkHeads(qkv, nHead);
    checkCache(keys, values, nEmbd);
    batch.use(qkv.ne(1), keys.ne(1));
    if (graph.fused()) {
      return graph.kernel(
          Kernel.ATTENTION,
          KernelParams.none().heads(nHead).scale(scale),
          new long[] {qkv.ne(1), nEmbd},
          batch.fusedSources(qkv, keys, values));
    }
    long size = nEmbd / nHead;
    long tokens = qkv.ne(1);
    var newKeys = graph.reshape(graph.cont(graph.heads(qkv, nEmbd, nHead, size, 1)), tokens, nEmbd);
    var newValues =
        graph.reshape(graph.cont(graph.heads(qkv, 2 * nEmbd, nHead, size, 1)), tokens, nEmbd);
    graph.setRows(keys, newKeys, batch.rows());
    graph.setRows(values, newValues, batch.rows());
    var history = batch.history();
    long sequences = history == null ? 1 : tokens;
    long seen = batch.additive().ne(0);
    var k = history == null ? graph.rows(keys, 0, seen) : graph.getRows(keys, history);
    var v = history == null ? graph.rows(values, 0, seen) : graph.getRows(values, history);
    // ggml order: q (size, tokens, heads), k and v (size, rows, heads); with a history of its own
    // for each token, tokens is 1 and they are the fourth dimension.
    var q = split(graph, qkv, 0, nHead, size, sequences);
    var p =
        graph.softMax(
            graph.mulMat(turned(graph, k, nHead, size, sequences), q), batch.additive(), scale);
    var turnedV = turned(graph, v, nHead, size, sequences);
    if (turnedV.type() != DType.F32) {
      var y = graph.mulMat(graph.cont(graph.transpose(turnedV)), p);
      return merge(graph, y, tokens, nEmbd);
    }
    if (history == null) {
      return merge(graph, graph.outProd(turnedV, graph.transpose(p)), tokens, nEmbd);
    }
    // CUDA takes the third dimension in one call, the fourth one by one: heads are fewer.
    var y =
        graph.outProd(
            graph.permute(turnedV, 0, 1, 3, 2), graph.permute(graph.transpose(p), 0, 1, 3, 2));
    return graph.reshape(graph.cont(graph.permute(y, 0, 3, 2, 1)), tokens, nEmbd);
  }

  /** Rows as heads without a copy: ggml (size, rows, heads, sequences). */
  private static Tensor turned(Graph graph, Tensor x, long nHead, long size, long sequences) {
    return graph.permute(graph.heads(x, 0, nHead, size, sequences), 0, 2, 1, 3);
  }

  /**
   * Attention within whole sequences, differentiable.
   *
   * @param dropout and {@code probability}: dropout of the probabilities ({@code attn_pdrop}); null
   *     for none
   */
  public static Tensor causal(
      Graph graph,
      Tensor qkv,
      int nHead,
      float scale,
      CausalBatch batch,
      @Nullable Dropout dropout,
      float probability) {
    long nEmbd = checkHeads(qkv, nHead);
    if (qkv.ne(1) != (long) batch.batch() * batch.length()) {
      throw new IllegalArgumentException(
          qkv + " has not the " + batch.batch() + " * " + batch.length() + " tokens of the batch");
    }
    var dropping = probability == 0 ? null : dropout;
    return graph.fused()
        ? fusedCausal(graph, qkv, nEmbd, nHead, scale, batch, dropping, probability)
        : stockCausal(graph, qkv, nEmbd, nHead, scale, batch, dropping, probability);
  }

  private static Tensor fusedCausal(
      Graph graph,
      Tensor qkv,
      long nEmbd,
      int nHead,
      float scale,
      CausalBatch batch,
      @Nullable Dropout dropout,
      float probability) {
    var padding = batch.padding();
    var params =
        KernelParams.none()
            .heads(nHead)
            .sequences(batch.batch())
            .scale(scale)
            .mask(padding != null)
            .dropout(dropout == null ? 0 : probability)
            .site(dropout == null ? 0 : dropout.nextSite());
    // The kernel always has a seed among its sources; without dropout it is not read.
    var seed = dropout == null ? graph.input(DType.I32, 2) : dropout.seedTensor();
    var rest = new ArrayList<Tensor>(List.of(seed));
    if (padding != null) {
      rest.add(padding);
    }
    var y =
        graph.kernel(
            Kernel.ATTENTION_TRAIN, params, new long[] {qkv.ne(1), nEmbd}, join(rest, qkv));
    var tape = graph.tape();
    if (tape != null) {
      tape.record(
          y,
          dy ->
              tape.add(
                  qkv,
                  graph.kernel(
                      Kernel.ATTENTION_TRAIN_BACK,
                      params,
                      new long[] {qkv.ne(1), 3 * nEmbd},
                      join(rest, qkv, dy))),
          qkv);
    }
    return y;
  }

  private static Tensor stockCausal(
      Graph graph,
      Tensor qkv,
      long nEmbd,
      int nHead,
      float scale,
      CausalBatch batch,
      @Nullable Dropout dropout,
      float probability) {
    var stock =
        new StockCausal(
            graph, qkv, nEmbd, nHead, scale, batch, dropout, probability, site(dropout));
    var y = stock.forward();
    var tape = graph.tape();
    if (tape != null) {
      tape.record(y, dy -> tape.add(qkv, stock.backward(dy)), qkv);
    }
    return y;
  }

  private static int site(@Nullable Dropout dropout) {
    return dropout == null ? 0 : dropout.nextSite();
  }

  /**
   * Attention composed of stock ops. The probabilities, the largest of all activations, are
   * computed again in the backward pass. Shapes in ggml's order: q, k, v {@code (size, t, heads,
   * b)}; scores and probabilities {@code (k, q, heads, b)}.
   */
  private record StockCausal(
      Graph graph,
      Tensor qkv,
      long nEmbd,
      int nHead,
      float scale,
      CausalBatch batch,
      @Nullable Dropout dropout,
      float probability,
      int site) {
    Tensor forward() {
      var p = drop(probabilities(query(), key()));
      return joined(graph.outProd(flat(value()), graph.transpose(flat(p))));
    }

    Tensor backward(Tensor dy) {
      var q = query();
      var k = key();
      var p = probabilities(q, k);
      var dOut = part(dy, 0);
      var dS = graph.softMaxBack(drop(graph.mulMat(value(), dOut)), p, scale);
      var dQ = joined(graph.outProd(flat(k), graph.transpose(flat(dS))));
      var dK = joined(graph.outProd(flat(q), flat(dS)));
      var dV = joined(graph.outProd(flat(dOut), flat(drop(p))));
      return graph.concatColumns(graph.concatColumns(dQ, dK), dV);
    }

    private Tensor query() {
      return part(qkv, 0);
    }

    private Tensor key() {
      return part(qkv, nEmbd);
    }

    private Tensor value() {
      return part(qkv, 2 * nEmbd);
    }

    private Tensor part(Tensor x, long first) {
      return split(graph, x, first, nHead, nEmbd / nHead, batch.batch());
    }

    private Tensor probabilities(Tensor q, Tensor k) {
      return graph.softMax(graph.mulMat(k, q), batch.additive(), scale);
    }

    /** What stays of probabilities, or of their gradient. */
    private Tensor drop(Tensor x) {
      return dropout == null ? x : dropout.apply(x, probability, site);
    }

    /** All heads of all sequences in one dimension: one product for all of them on a GPU. */
    private Tensor flat(Tensor x) {
      return graph.reshape(x, x.ne(3) * x.ne(2), x.ne(1), x.ne(0));
    }

    /** Heads {@code (size, t, heads * b)} as {@code (tokens, nEmbd)}. */
    private Tensor joined(Tensor x) {
      var heads = graph.reshape(x, batch.batch(), nHead, x.ne(1), x.ne(0));
      return merge(graph, heads, (long) batch.batch() * batch.length(), nEmbd);
    }
  }

  /** Columns of one part of qkv as ggml (size, t, heads, b), contiguous. */
  private static Tensor split(
      Graph graph, Tensor x, long first, long nHead, long size, long batch) {
    return graph.cont(graph.permute(graph.heads(x, first, nHead, size, batch), 0, 2, 1, 3));
  }

  /** ggml (size, t, heads, b) as (tokens, nEmbd). */
  private static Tensor merge(Graph graph, Tensor x, long tokens, long nEmbd) {
    return graph.reshape(graph.cont(graph.permute(x, 0, 2, 1, 3)), tokens, nEmbd);
  }

  private static Tensor[] join(List<Tensor> rest, Tensor... first) {
    var all = new ArrayList<Tensor>(List.of(first));
    all.addAll(rest);
    return all.toArray(Tensor[]::new);
  }

  private static void checkCache(Tensor keys, Tensor values, long nEmbd) {
    boolean type = keys.type() == DType.F32 || keys.type() == DType.F16;
    if (!type
        || keys.readOnly()
        || values.readOnly()
        || keys.type() != values.type()
        || keys.ne(0) != nEmbd
        || keys.elements() != keys.ne(0) * keys.ne(1)
        || !Arrays.equals(keys.shape(), values.shape())) {
      throw new IllegalArgumentException(
          "A cache of " + keys + " and " + values + " is not of F32 or F16, rows of " + nEmbd);
    }
  }

  private static long checkHeads(Tensor qkv, int nHead) {
    Inputs.matrix("Attention", qkv);
    if (nHead < 1 || qkv.ne(0) % (3L * nHead) != 0) {
      throw new IllegalArgumentException(
          qkv + " cannot be split into query, key and value of " + nHead + " heads");
    }
    return qkv.ne(0) / 3;
  }
}
