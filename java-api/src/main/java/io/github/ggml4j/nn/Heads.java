package io.github.ggml4j.nn;

import io.github.ggml4j.tensor.Graph;
import io.github.ggml4j.tensor.Tensor;

/**
 * Splits the rows of {@code qkv} into heads and joins heads into rows, with stock ops.
 *
 * <p>Dimensions: B sequences, T tokens of each, NH heads, HS elements of a head, {@code C = NH HS}.
 *
 * @param graph takes the nodes
 * @param nHead NH
 * @param headSize HS
 */
record Heads(Graph graph, int nHead, long headSize) {
  /**
   * The heads of a tensor of queries, keys and values.
   *
   * @param qkv {@code (B * T, 3 C)}
   */
  static Heads of(Graph graph, Tensor qkv, int nHead) {
    Inputs.matrix("Attention", qkv);
    if (nHead < 1 || qkv.columns() % (3L * nHead) != 0) {
      throw new IllegalArgumentException(
          "qkv is "
              + qkv
              + ", expected columns for query, key and value of "
              + nHead
              + " heads of equal size");
    }
    return new Heads(graph, nHead, qkv.columns() / 3 / nHead);
  }

  /** C, the width of a token. */
  long nEmbd() {
    return nHead * headSize;
  }

  /**
   * Copies columns of {@code x}, starting at {@code first}, as contiguous heads.
   *
   * @param x {@code (B * T, width)}
   * @param batch B
   * @return {@code (B, NH, T, HS)}
   */
  Tensor split(Tensor x, long first, long batch) {
    return graph.cont(view(x, first, batch));
  }

  /** As {@link #split}, as a view without a copy. */
  Tensor view(Tensor x, long first, long batch) {
    return graph.permute(graph.heads(x, first, nHead, headSize, batch), 0, 2, 1, 3);
  }

  /**
   * Copies C columns of {@code x}, starting at {@code first}, to a contiguous matrix.
   *
   * @param x {@code (tokens, width)}
   * @return {@code (tokens, C)}
   */
  Tensor columns(Tensor x, long first) {
    // (1, tokens, NH, HS) -> (tokens, C)
    var part = graph.cont(graph.heads(x, first, nHead, headSize, 1));
    return graph.reshape(part, x.rows(), nEmbd());
  }

  /**
   * Joins heads.
   *
   * @param x {@code (B, NH, T, HS)}
   * @return {@code (B * T, C)}
   */
  Tensor merge(Tensor x, long tokens) {
    return graph.reshape(graph.cont(graph.permute(x, 0, 2, 1, 3)), tokens, nEmbd());
  }
}
