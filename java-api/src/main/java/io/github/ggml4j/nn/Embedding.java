package io.github.ggml4j.nn;

import io.github.ggml4j.tensor.Graph;
import io.github.ggml4j.tensor.Parameter;
import io.github.ggml4j.tensor.Tensor;
import io.github.ggml4j.tensor.internal.Kernel;
import io.github.ggml4j.tensor.internal.KernelParams;

/**
 * Token and position embeddings: {@code y[t] = wte[tokens[t]] + wpe[positions[t]]}.
 *
 * <p>Shapes: tokens and positions {@code (tokens)} I32, wte {@code (vocabSize, nEmbd)}, wpe {@code
 * (nPositions, nEmbd)} of any type, y {@code (tokens, nEmbd)} F32. The caller checks that ids and
 * positions are in range. Backward: {@code dwte[tokens[t]] += dy[t]}, {@code dwpe[positions[t]] +=
 * dy[t]}.
 *
 * @param wte the token embeddings
 * @param wpe the position embeddings
 */
public record Embedding(Parameter wte, Parameter wpe) {
  /** Looks up and adds both embeddings. */
  public Tensor forward(Graph graph, TokenBatch batch) {
    var tokens = batch.ids();
    var positions = batch.positions();
    if (!isTable(graph, wte.value())
        || !isTable(graph, wpe.value())
        || wte.value().columns() != wpe.value().columns()) {
      throw new IllegalArgumentException(
          "wte is "
              + wte.value()
              + ", wpe "
              + wpe.value()
              + ", expected matrices of supported types with equal numbers of columns");
    }
    var y =
        graph.has(Kernel.EMBEDDING_FORWARD)
            ? graph.kernel(
                Kernel.EMBEDDING_FORWARD,
                KernelParams.none(),
                new long[] {tokens.elements(), wte.value().columns()},
                wte.value(),
                wpe.value(),
                tokens,
                positions)
            : graph.add(graph.getRows(wte.value(), tokens), graph.getRows(wpe.value(), positions));
    var tape = graph.tape();
    var dwte = wte.gradient();
    var dwpe = wpe.gradient();
    if (tape != null && dwte != null && dwpe != null) {
      tape.recordAlways(
          y,
          dy -> {
            if (graph.has(Kernel.EMBEDDING_BACKWARD)) {
              graph.kernelInPlace(
                  Kernel.EMBEDDING_BACKWARD,
                  KernelParams.none(),
                  dy,
                  tokens,
                  positions,
                  dwte,
                  dwpe);
            } else {
              batch.addRows(dy, dwte);
              addPositions(graph, batch, dy, dwpe);
            }
          });
    }
    return y;
  }

  /**
   * Adds the gradients of the positions. All sequences have the same positions, so their gradients
   * are summed without comparing positions.
   */
  private static void addPositions(Graph graph, TokenBatch batch, Tensor dy, Tensor dwpe) {
    long length = batch.length();
    if (length == 0) {
      graph.addInPlace(dwpe, graph.getRowsBack(dy, batch.positions(), dwpe));
      return;
    }
    var used = graph.view(dwpe, 0, length, dwpe.columns()); // (T, C)
    var each = graph.reshape(dy, dy.rows() / length, length, dy.columns()); // (B, T, C)
    graph.addInPlace(used, graph.repeatBack(each, used));
  }

  private static boolean isTable(Graph graph, Tensor x) {
    return x.isMatrix() && graph.device().computes(x.type());
  }
}
