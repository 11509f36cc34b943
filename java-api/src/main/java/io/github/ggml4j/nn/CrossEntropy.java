package io.github.ggml4j.nn;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.github.ggml4j.tensor.DType;
import io.github.ggml4j.tensor.Device;
import io.github.ggml4j.tensor.Graph;
import io.github.ggml4j.tensor.Parameter;
import io.github.ggml4j.tensor.Tensor;
import io.github.ggml4j.tensor.internal.Kernel;
import io.github.ggml4j.tensor.internal.KernelParams;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The language-modelling head and its loss in one: {@code -log softmax(x Wᵀ)[label]} for each
 * token, as {@code torch.nn.functional.cross_entropy} over {@code lm_head(x)}, with labels of -100
 * left out.
 *
 * <p>The logits of all tokens never stand in memory at once: rows are taken in chunks, and under
 * training the gradients of x and W are computed chunk by chunk in the forward pass, since the
 * gradient of the loss, {@code scale}, is known beforehand.
 *
 * <p>Shapes: x {@code (tokens, nEmbd)}, W {@code (vocabSize, nEmbd)}, labels {@code (tokens)} I32.
 */
public final class CrossEntropy {
  /** The label of tokens that do not count, as in PyTorch. */
  public static final int IGNORE_INDEX = -100;

  /** With our kernels: large enough for the processor, small enough for its caches. */
  private static final int CHUNK_ROWS = 256;

  /** With stock ops, where each chunk also adds to the gradient of the whole head. */
  private static final int STOCK_CHUNK_ROWS = 1024;

  private record Chunk(
      int first,
      int rows,
      Tensor loss,
      @Nullable Tensor gather,
      @Nullable Tensor weights,
      @Nullable Tensor scatter) {}

  private final int tokens;
  private final long vocabSize;
  private final @Nullable Tensor labels;
  private final Tensor scale;
  private final List<Chunk> chunks = new ArrayList<>();

  /**
   * Adds head and loss to a graph; when the graph is differentiable, the gradient of {@code scale *
   * sum of losses} is recorded.
   */
  public CrossEntropy(Graph graph, Tensor x, Parameter head) {
    Inputs.matrix("The loss", x);
    this.tokens = Math.toIntExact(x.ne(1));
    this.vocabSize = head.value().ne(1);
    this.scale = graph.input(DType.F32, 1);
    this.labels = graph.fused() ? graph.input(DType.I32, tokens) : null;
    var tape = graph.tape();
    boolean wanted = tape != null && tape.tracks(x);
    var dx = wanted ? graph.scale(x, 0, 0) : null;
    int chunk = chunkRows(graph.device());
    for (int first = 0; first < tokens; first += chunk) {
      int rows = Math.min(chunk, tokens - first);
      addChunk(graph, x, head, dx, first, rows);
    }
    if (tape != null && dx != null) {
      // The losses are read on the host; the pass starts from this stand-in for their scaled sum.
      this.root = graph.scale(scale, 1, 0);
      tape.recordAlways(root, one -> tape.add(x, dx));
    } else {
      this.root = scale;
    }
  }

  private final Tensor root;

  private static int chunkRows(Device device) {
    return device.fusedKernels() ? CHUNK_ROWS : STOCK_CHUNK_ROWS;
  }

  /** Bytes of the logits that stand in memory at once. */
  public static long logitsBytes(Device device, long tokens, long vocabSize) {
    return Math.min(tokens, chunkRows(device)) * vocabSize * Float.BYTES;
  }

  private void addChunk(
      Graph graph, Tensor x, Parameter head, @Nullable Tensor dx, int first, int rows) {
    boolean gradients = dx != null || head.gradient() != null;
    var part = graph.rows(x, first, rows);
    var plain = new Parameter(head.name(), head.value(), null);
    var logits = Linear.forward(graph, part, plain, null);
    Tensor loss;
    Tensor gather = null;
    Tensor weights = null;
    Tensor scatter = null;
    Tensor dLogits = null;
    if (labels != null) {
      var some = graph.view(labels, first, rows);
      var params = KernelParams.none().ignoreIndex(IGNORE_INDEX);
      if (gradients) {
        loss = graph.kernel(Kernel.CROSS_ENTROPY, params, new long[] {rows}, logits, some, scale);
        dLogits = logits;
      } else {
        loss = graph.kernel(Kernel.CROSS_ENTROPY, params, new long[] {rows}, logits, some);
      }
    } else {
      gather = graph.input(DType.I32, rows);
      weights = graph.input(DType.F32, rows, 1);
      var p = graph.softMax(logits, null, 1);
      var chosen = graph.getRows(graph.reshape(p, rows * vocabSize, 1), gather);
      var logs = graph.log(graph.clamp(chosen, Float.MIN_NORMAL, 1));
      loss = graph.mul(graph.scale(logs, -1, 0), weights);
      if (gradients) {
        scatter = graph.input(DType.I64, rows);
        // p - onehot: one is taken from the probability of each label, at its place.
        var minusOne = graph.scale(chosen, 1, -1);
        var full = graph.setRows(graph.reshape(p, rows * vocabSize, 1), minusOne, scatter);
        dLogits = graph.mul(graph.mul(graph.reshape(full, rows, vocabSize), weights), scale);
      }
    }
    graph.output(loss);
    chunks.add(new Chunk(first, rows, loss, gather, weights, scatter));
    if (dLogits != null) {
      if (dx != null) {
        graph.copyInto(Linear.inputGradient(graph, dLogits, head), graph.rows(dx, first, rows));
      }
      Linear.parameterGradients(graph, part, dLogits, head, null);
    }
  }

  /** Where {@link io.github.ggml4j.tensor.Tape#backward} starts; the seed is not used. */
  public Tensor root() {
    return root;
  }

  /**
   * Labels of the next computation.
   *
   * @param values {@code (tokens)}: vocabulary ids, or -100 for tokens that do not count
   * @param lossScale factor of every token's loss in the gradients
   */
  public void labels(int[] values, float lossScale) {
    if (values.length != tokens) {
      throw new IllegalArgumentException(
          "There are " + values.length + " labels for " + tokens + " tokens");
    }
    for (int i = 0; i < values.length; i++) {
      if (values[i] != IGNORE_INDEX && (values[i] < 0 || values[i] >= vocabSize)) {
        throw new IllegalArgumentException(
            "Label "
                + i
                + " is "
                + values[i]
                + ", expected 0 to "
                + (vocabSize - 1)
                + ", or -100 to ignore it");
      }
    }
    scale.setFloats(lossScale);
    if (labels != null) {
      labels.setInts(values);
      return;
    }
    for (var chunk : chunks) {
      setStock(chunk, values);
    }
  }

  private void setStock(Chunk chunk, int[] values) {
    if (chunk.gather() == null || chunk.weights() == null) {
      throw new IllegalStateException("A chunk of stock ops has its inputs");
    }
    var gather = new int[chunk.rows()];
    var weights = new float[chunk.rows()];
    var scatter = new long[chunk.rows()];
    for (int r = 0; r < chunk.rows(); r++) {
      int label = values[chunk.first() + r];
      gather[r] = Math.toIntExact(r * vocabSize + Math.max(label, 0));
      scatter[r] = gather[r];
      weights[r] = label == IGNORE_INDEX ? 0 : 1;
    }
    chunk.gather().setInts(gather);
    chunk.weights().setFloats(weights);
    if (chunk.scatter() != null) {
      try (var arena = Arena.ofConfined()) {
        chunk.scatter().set(arena.allocateFrom(JAVA_LONG, scatter));
      }
    }
  }

  /** The loss of every token after a computation, 0 where the label is ignored. */
  public float[] losses() {
    var all = new float[tokens];
    for (var chunk : chunks) {
      System.arraycopy(chunk.loss().toFloats(), 0, all, chunk.first(), chunk.rows());
    }
    return all;
  }
}
