package io.github.ggml4j.nn;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.github.ggml4j.error.InvalidArgumentException;
import io.github.ggml4j.internal.Check;
import io.github.ggml4j.tensor.DType;
import io.github.ggml4j.tensor.Device;
import io.github.ggml4j.tensor.Graph;
import io.github.ggml4j.tensor.Parameter;
import io.github.ggml4j.tensor.Tensor;
import io.github.ggml4j.tensor.internal.Kernel;
import io.github.ggml4j.tensor.internal.KernelParams;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The language-modelling head and its loss in one op: {@code -log softmax(x Wᵀ)[label]} of each
 * token, as {@code torch.nn.functional.cross_entropy} over {@code lm_head(x)}. Tokens with the
 * label -100 are ignored.
 *
 * <p>The logits of all tokens are never in memory at once: rows are computed in chunks. In training
 * the gradients of x and W are computed chunk by chunk in the forward pass, which is possible since
 * the gradient of the loss, {@code scale}, is known beforehand.
 *
 * <p>Shapes: x {@code (tokens, C)}, W {@code (V, C)}, labels {@code (tokens)}.
 */
public final class CrossEntropy {
  /** The label of ignored tokens, as in PyTorch. */
  public static final int IGNORE_INDEX = -100;

  /**
   * Rows of a chunk of the kernel: enough for all threads, and their logits fit into the caches.
   */
  private static final int CHUNK_ROWS = 256;

  /** Rows of a chunk of stock ops. Larger, because each chunk adds to the gradient of all of W. */
  private static final int STOCK_CHUNK_ROWS = 1024;

  private final int tokens;
  private final long vocabSize;
  private final Tensor scale; // (1)
  private final List<Chunk> chunks = new ArrayList<>();

  /** The most likely token of each row, chunk by chunk; empty if not asked for. */
  private final List<Tensor> predictions = new ArrayList<>();

  private final Tensor root;

  /**
   * Adds head and loss to a graph. If the graph is differentiable, the gradient of {@code scale *
   * sum of losses} is recorded.
   *
   * @param x {@code (tokens, C)}
   * @param head W, {@code (V, C)}
   */
  public CrossEntropy(Graph graph, Tensor x, Parameter head) {
    this(graph, x, head, false);
  }

  /**
   * Adds head and loss to a graph, without gradients, and the most likely token of each row.
   *
   * @param graph not differentiable
   * @param x {@code (tokens, C)}
   * @param head W, {@code (V, C)}
   */
  public static CrossEntropy withPredictions(Graph graph, Tensor x, Parameter head) {
    return new CrossEntropy(graph, x, new Parameter(head.name(), head.value(), null), true);
  }

  private CrossEntropy(Graph graph, Tensor x, Parameter head, boolean predicts) {
    Inputs.matrix("The loss", x);
    this.tokens = Math.toIntExact(x.rows());
    this.vocabSize = head.value().rows();
    this.scale = graph.input(DType.F32, 1);
    boolean fused = graph.has(Kernel.CROSS_ENTROPY);
    var labels = fused ? graph.input(DType.I32, tokens) : null;
    var tape = graph.tape();
    boolean wanted = tape != null && tape.tracks(x);
    var dx = wanted ? graph.scale(x, 0, 0) : null; // (tokens, C)
    boolean gradients = dx != null || head.gradient() != null;
    var linear = new Linear(head, null);
    var withoutGradient = new Linear(new Parameter(head.name(), head.value(), null), null);
    int most = chunkRows(graph.device());
    for (int first = 0; first < tokens; first += most) {
      int rows = Math.min(most, tokens - first);
      var part = graph.rows(x, first, rows); // (rows, C)
      var logits = // (rows, V)
          withoutGradient.forward(graph, part);
      var chunk =
          labels == null
              ? StockChunk.add(graph, logits, gradients ? scale : null, first)
              : FusedChunk.add(graph, logits, gradients ? scale : null, first, labels);
      graph.output(chunk.loss());
      chunks.add(chunk);
      if (predicts) {
        predictions.add(graph.output(graph.argmax(logits)));
      }
      var dLogits = chunk.logitsGradient();
      if (dLogits != null) {
        if (dx != null) {
          graph.copyInto(linear.inputGradient(graph, dLogits), graph.rows(dx, first, rows));
        }
        linear.addParameterGradients(graph, part, dLogits);
      }
    }
    if (tape != null && dx != null) {
      // The host adds up the losses. The backward pass starts from a placeholder for their sum.
      this.root = graph.scale(scale, 1, 0);
      tape.recordAlways(root, _ -> tape.add(x, dx));
    } else {
      this.root = scale;
    }
  }

  private static int chunkRows(Device device) {
    return device.has(Kernel.CROSS_ENTROPY) ? CHUNK_ROWS : STOCK_CHUNK_ROWS;
  }

  /** Bytes of the logits that are in memory at once. */
  public static long logitsBytes(Device device, long tokens, long vocabSize) {
    return Math.min(tokens, chunkRows(device)) * vocabSize * Float.BYTES;
  }

  /** The loss of consecutive tokens. */
  private sealed interface Chunk {
    /** The first token. */
    int first();

    /** {@code (rows)}: the loss of each token. */
    Tensor loss();

    /** {@code (rows, V)}: the gradient of the logits; null if it is not computed. */
    @Nullable Tensor logitsGradient();

    /** Sets the labels of the next computation; {@code labels} are those of all tokens. */
    void set(int[] labels);

    default int rows() {
      return Math.toIntExact(loss().elements());
    }
  }

  /**
   * A chunk of the kernel, which replaces the logits by their gradient.
   *
   * @param labels {@code (rows)} I32
   */
  private record FusedChunk(int first, Tensor loss, @Nullable Tensor logitsGradient, Tensor labels)
      implements Chunk {
    static FusedChunk add(
        Graph graph, Tensor logits, @Nullable Tensor scale, int first, Tensor labels) {
      var params = KernelParams.none().ignoreIndex(IGNORE_INDEX);
      long[] shape = {logits.rows()};
      var part = graph.view(labels, first, logits.rows());
      var loss =
          scale == null
              ? graph.kernel(Kernel.CROSS_ENTROPY, params, shape, logits, part)
              : graph.kernel(Kernel.CROSS_ENTROPY, params, shape, logits, part, scale);
      return new FusedChunk(first, loss, scale == null ? null : logits, part);
    }

    @Override
    public void set(int[] all) {
      labels.setInts(Arrays.copyOfRange(all, first, first + rows()));
    }
  }

  /**
   * A chunk of stock ops.
   *
   * @param gather {@code (rows)} I32: the index of each label among the elements of the logits
   * @param weights {@code (rows, 1)}: 0 for ignored tokens, else 1
   * @param gradient the gradient of the logits; null if it is not computed
   */
  private record StockChunk(
      int first,
      long vocabSize,
      Tensor loss,
      Tensor gather,
      Tensor weights,
      @Nullable StockGradient gradient)
      implements Chunk {
    static StockChunk add(Graph graph, Tensor logits, @Nullable Tensor scale, int first) {
      long rows = logits.rows();
      long vocabSize = logits.columns();
      var gather = graph.input(DType.I32, rows);
      var weights = graph.input(DType.F32, rows, 1);
      var p = graph.softMax(logits, null, 1); // (rows, V)
      var chosen = graph.getRows(graph.reshape(p, rows * vocabSize, 1), gather); // (rows, 1)
      var logs = graph.log(graph.clamp(chosen, Float.MIN_NORMAL, 1)); // (rows, 1)
      var loss = graph.mul(graph.scale(logs, -1, 0), weights); // (rows, 1)
      var gradient = scale == null ? null : StockGradient.add(graph, p, chosen, weights, scale);
      return new StockChunk(first, vocabSize, loss, gather, weights, gradient);
    }

    @Override
    public @Nullable Tensor logitsGradient() {
      return gradient == null ? null : gradient.logits();
    }

    @Override
    public void set(int[] labels) {
      var indices = new int[rows()];
      var counted = new float[rows()];
      for (int r = 0; r < indices.length; r++) {
        int label = labels[first + r];
        indices[r] = Math.toIntExact(r * vocabSize + Math.max(label, 0));
        counted[r] = label == IGNORE_INDEX ? 0 : 1;
      }
      gather.setInts(indices);
      weights.setFloats(counted);
      if (gradient != null) {
        gradient.set(indices);
      }
    }
  }

  /**
   * The gradient of the logits of stock ops, {@code scale (p - onehot)}.
   *
   * @param logits {@code (rows, V)}
   * @param scatter {@code (rows)} I64: the index of each label among the elements of the logits
   */
  private record StockGradient(Tensor logits, Tensor scatter) {
    static StockGradient add(Graph graph, Tensor p, Tensor chosen, Tensor weights, Tensor scale) {
      long rows = p.rows();
      var scatter = graph.input(DType.I64, rows);
      var minusOne = graph.scale(chosen, 1, -1); // (rows, 1): p of each label, less 1
      var flat = graph.reshape(p, p.elements(), 1); // (rows * V, 1)
      var full = graph.setRows(flat, minusOne, scatter); // (rows * V, 1)
      var unscaled = graph.mul(graph.reshape(full, rows, p.columns()), weights); // (rows, V)
      return new StockGradient(graph.mul(unscaled, scale), scatter);
    }

    void set(int[] indices) {
      var wide = new long[indices.length];
      for (int i = 0; i < wide.length; i++) {
        wide[i] = indices[i];
      }
      try (var arena = Arena.ofConfined()) {
        scatter.set(arena.allocateFrom(JAVA_LONG, wide));
      }
    }
  }

  /** Where {@link io.github.ggml4j.tensor.Tape#backward} starts. Any seed has the same effect. */
  public Tensor root() {
    return root;
  }

  /**
   * Sets the labels of the next computation.
   *
   * @param values {@code (tokens)}: vocabulary ids, or -100 for tokens to ignore
   * @param lossScale factor of every token's loss in the gradients
   */
  public void labels(int[] values, float lossScale) {
    Check.length("labels", values.length, tokens);
    for (int i = 0; i < values.length; i++) {
      if (values[i] != IGNORE_INDEX && (values[i] < 0 || values[i] >= vocabSize)) {
        throw new InvalidArgumentException(
            "labels[" + i + "]", values[i], "0 to " + (vocabSize - 1) + ", or -100 to ignore it");
      }
    }
    scale.setFloats(lossScale);
    chunks.forEach(chunk -> chunk.set(values));
  }

  /** The loss of every token after a computation, {@code (tokens)}; 0 for ignored tokens. */
  public float[] losses() {
    var all = new float[tokens];
    for (var chunk : chunks) {
      System.arraycopy(chunk.loss().toFloats(), 0, all, chunk.first(), chunk.rows());
    }
    return all;
  }

  /**
   * The most likely token of every row after a computation, {@code (tokens)}.
   *
   * @throws IllegalStateException unless made by {@link #withPredictions}
   */
  public int[] predictions() {
    if (predictions.isEmpty()) {
      throw new IllegalStateException("The graph has no predictions");
    }
    var all = new int[tokens];
    int at = 0;
    for (var chunk : predictions) {
      int[] rows = chunk.toInts();
      System.arraycopy(rows, 0, all, at, rows.length);
      at += rows.length;
    }
    return all;
  }
}
