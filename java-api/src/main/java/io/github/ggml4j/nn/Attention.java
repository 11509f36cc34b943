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
    long used = batch.additive().ne(0);
    var newKeys = graph.reshape(graph.cont(graph.heads(qkv, nEmbd, nHead, size, 1)), tokens, nEmbd);
    var newValues =
        graph.reshape(graph.cont(graph.heads(qkv, 2 * nEmbd, nHead, size, 1)), tokens, nEmbd);
    graph.setRows(keys, newKeys, batch.rows());
    graph.setRows(values, newValues, batch.rows());
    // ggml order: q (size, tokens, heads), k (size, rows, heads), v (rows, size, heads)
    var q = graph.cont(graph.permute(graph.heads(qkv, 0, nHead, size, 1), 0, 2, 1, 3));
    var k = graph.permute(graph.heads(graph.rows(keys, 0, used), 0, nHead, size, 1), 0, 2, 1, 3);
    var v =
        graph.cont(
            graph.permute(graph.heads(graph.rows(values, 0, used), 0, nHead, size, 1), 1, 2, 0, 3));
    var p = graph.softMax(graph.mulMat(k, q), batch.additive(), scale);
    return merge(graph, graph.mulMat(v, p), tokens, nEmbd);
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
    long size = nEmbd / nHead;
    long b = batch.batch();
    long t = batch.length();
    // ggml order: q, k, v (size, t, heads, b); scores and probabilities (k, q, heads, b)
    var q = split(graph, qkv, 0, nHead, size, b);
    var k = split(graph, qkv, nEmbd, nHead, size, b);
    var v = split(graph, qkv, 2 * nEmbd, nHead, size, b);
    var p = graph.softMax(graph.mulMat(k, q), batch.additive(), scale);
    Tensor mask = null;
    var dropped = p;
    if (dropout != null) {
      mask = dropout.stockMask(dropout.nextSite(), probability, b, nHead, t, t);
      dropped = graph.mul(p, mask);
    }
    var y = merge(graph, graph.mulMat(graph.cont(graph.transpose(v)), dropped), b * t, nEmbd);
    var tape = graph.tape();
    if (tape != null) {
      var factors = mask;
      var probabilities = dropped;
      tape.record(
          y,
          dy -> {
            var dOut = split(graph, dy, 0, nHead, size, b);
            var dDropped = graph.mulMat(v, dOut);
            var dP = factors == null ? dDropped : graph.mul(dDropped, factors);
            var dS = graph.softMaxBack(dP, p, scale);
            var dQ = graph.mulMat(graph.cont(graph.transpose(k)), dS);
            var dK = graph.mulMat(graph.cont(graph.transpose(q)), graph.cont(graph.transpose(dS)));
            var dV =
                graph.mulMat(
                    graph.cont(graph.transpose(dOut)), graph.cont(graph.transpose(probabilities)));
            tape.add(
                qkv,
                graph.concatColumns(
                    graph.concatColumns(
                        merge(graph, dQ, b * t, nEmbd), merge(graph, dK, b * t, nEmbd)),
                    merge(graph, dV, b * t, nEmbd)));
          },
          qkv);
    }
    return y;
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
