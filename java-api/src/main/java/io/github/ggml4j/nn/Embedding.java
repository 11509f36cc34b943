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
 */
public final class Embedding {
  private Embedding() {}

  /** Looks up and adds both embeddings. */
  public static Tensor forward(Graph graph, TokenBatch batch, Parameter wte, Parameter wpe) {
    var tokens = batch.ids();
    var positions = batch.positions();
    if (!isTable(graph, wte.value())
        || !isTable(graph, wpe.value())
        || wte.value().ne(0) != wpe.value().ne(0)) {
      throw new IllegalArgumentException(
          "wte " + wte.value() + " and wpe " + wpe.value() + " do not fit");
    }
    var y =
        graph.fused()
            ? graph.kernel(
                Kernel.EMBED,
                KernelParams.none(),
                new long[] {tokens.elements(), wte.value().ne(0)},
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
            if (graph.fused()) {
              graph.kernelInPlace(
                  Kernel.EMBED_BACK, KernelParams.none(), dy, tokens, positions, dwte, dwpe);
            } else {
              batch.addRows(dy, dwte);
              addPositions(graph, batch, dy, dwpe);
            }
          });
    }
    return y;
  }

  /** Whole sequences have the same positions; their gradients are added up row by row. */
  private static void addPositions(Graph graph, TokenBatch batch, Tensor dy, Tensor dwpe) {
    long length = batch.length();
    if (length == 0) {
      graph.addInPlace(dwpe, graph.getRowsBack(dy, batch.positions(), dwpe));
      return;
    }
    var used = graph.view(dwpe, 0, length, dwpe.ne(0));
    var each = graph.reshape(dy, dy.ne(1) / length, length, dy.ne(0));
    graph.addInPlace(used, graph.repeatBack(each, used));
  }

  private static boolean isTable(Graph graph, Tensor x) {
    return x.elements() == x.ne(0) * x.ne(1) && graph.device().computes(x.type());
  }
}
