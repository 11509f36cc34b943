package io.github.ggml4j.model;

import io.github.ggml4j.nn.CausalAttention;
import io.github.ggml4j.nn.TokenBatch;
import io.github.ggml4j.tensor.Graph;
import io.github.ggml4j.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * The forward pass of a network over whole sequences of one length, without a cache.
 *
 * @param tokens the input of the graph; set it before each computation
 * @param hidden the hidden states after {@code ln_f}: {@code (B * T, nEmbd)}
 */
public record CausalForward(TokenBatch tokens, Tensor hidden) {
  /**
   * Adds the forward pass without dropout to a graph.
   *
   * @param batch B, the number of sequences, at least 1
   * @param length T, the tokens of each, 1 to {@code nPositions}
   */
  public static CausalForward add(Graph graph, Gpt2 network, int batch, int length) {
    return add(graph, network, batch, length, null, (weight, x) -> {}, Recompute.NONE);
  }

  /**
   * Adds the forward pass to a graph.
   *
   * @param batch B, the number of sequences, at least 1
   * @param length T, the tokens of each, 1 to {@code nPositions}
   * @param dropouts null to leave dropout out
   * @param inputs receives the input of each matrix of the blocks
   * @param recompute what the backward pass computes again
   */
  public static CausalForward add(
      Graph graph,
      Gpt2 network,
      int batch,
      int length,
      Gpt2.@Nullable Dropouts dropouts,
      Gpt2.LinearInputs inputs,
      Recompute recompute) {
    var tokens = TokenBatch.sequences(graph, batch, length);
    var attention = CausalAttention.of(graph, batch, length);
    int heads = network.config().nHead();
    Gpt2.AttentionLayer layers =
        dropouts == null
            ? (layer, qkv, scale) -> attention.forward(qkv, heads, scale)
            : (layer, qkv, scale) ->
                attention.forward(qkv, heads, scale, dropouts.dropout(), dropouts.attn());
    return new CausalForward(
        tokens, network.hidden(graph, tokens, layers, dropouts, inputs, recompute));
  }
}
