package io.github.ggml4j.nn;

import io.github.ggml4j.tensor.DType;
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
  public static Tensor forward(
      Graph graph, Tensor tokens, Tensor positions, Parameter wte, Parameter wpe) {
    if (tokens.type() != DType.I32
        || positions.type() != DType.I32
        || tokens.elements() != tokens.ne(0)
        || positions.elements() != tokens.ne(0)
        || positions.ne(0) != tokens.ne(0)
        || !isTable(graph, wte.value())
        || !isTable(graph, wpe.value())
        || wte.value().ne(0) != wpe.value().ne(0)) {
      throw new IllegalArgumentException(
          "Tokens "
              + tokens
              + ", positions "
              + positions
              + ", wte "
              + wte.value()
              + " and wpe "
              + wpe.value()
              + " do not fit");
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
              graph.addInPlace(dwte, graph.getRowsBack(dy, tokens, dwte));
              graph.addInPlace(dwpe, graph.getRowsBack(dy, positions, dwpe));
            }
          });
    }
    return y;
  }

  private static boolean isTable(Graph graph, Tensor x) {
    return x.elements() == x.ne(0) * x.ne(1) && graph.device().computes(x.type());
  }
}
