package io.github.ggml4j.nn;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.github.ggml4j.error.InvalidArgumentException;
import io.github.ggml4j.internal.Check;
import io.github.ggml4j.tensor.DType;
import io.github.ggml4j.tensor.Graph;
import io.github.ggml4j.tensor.Tensor;
import io.github.ggml4j.tensor.internal.Kernel;
import io.github.ggml4j.tensor.internal.KernelParams;
import java.lang.foreign.Arena;
import java.util.Arrays;

/**
 * Multi-head causal self-attention of new tokens over the keys and values of earlier ones, which
 * are in a cache: {@code softmax(scale q kᵀ) v} for each head, as {@link CausalAttention} without
 * gradients. The new tokens' keys and values are written to the cache first.
 *
 * <p>The tokens may belong to several sequences. Each token has its own row of the cache; rows can
 * be shared between sequences, so a common prompt is kept once.
 *
 * <p>Shapes: qkv {@code (tokens, 3 C)} with query, key and value of a token in one row, each head
 * by head; keys and values {@code (rows, C)} F32 or F16; result {@code (tokens, C)} F32.
 *
 * <p>One instance serves all layers of one graph. Call {@link #set} before each computation.
 */
public abstract sealed class CachedAttention {
  final Graph graph;
  final int tokens;
  private long cacheRows = Long.MAX_VALUE;

  private CachedAttention(Graph graph, int tokens) {
    this.graph = graph;
    this.tokens = tokens;
  }

  /**
   * Attention for one graph.
   *
   * @param tokens number of new tokens
   * @param table {@code (sequences, nPositions)} I32: the cache row of each position of each
   *     sequence; read by {@link CacheAccess.ByTable} alone
   */
  public static CachedAttention of(Graph graph, int tokens, Tensor table, CacheAccess access) {
    Check.atLeast("tokens", tokens, 1);
    return switch (access) {
      case CacheAccess.ByTable _ -> new ByTable(graph, tokens, table);
      case CacheAccess.FirstRows(int rows) -> new FirstRows(graph, tokens, rows);
      case CacheAccess.GatheredRows(int rows) -> new GatheredRows(graph, tokens, rows);
    };
  }

  /** The cache row of each position of each sequence. */
  @FunctionalInterface
  public interface RowTable {
    /** The cache row of position {@code position} of sequence {@code sequence}. */
    int row(int sequence, int position);
  }

  /**
   * Adds the attention of one layer.
   *
   * @param qkv {@code (tokens, 3 C)}
   * @param nHead the number of heads, a divisor of C
   * @param scale factor on the scores
   * @param keys cached keys of this layer, {@code (rows, C)}
   * @param values cached values of this layer, {@code (rows, C)}
   * @return {@code (tokens, C)}
   */
  public Tensor forward(Tensor qkv, int nHead, float scale, Tensor keys, Tensor values) {
    var heads = Heads.of(graph, qkv, nHead);
    checkCache(keys, values, heads.nEmbd());
    if (qkv.rows() != tokens) {
      throw new IllegalArgumentException(
          "qkv is " + qkv + ", expected " + tokens + " rows, one for each token");
    }
    cacheRows = Math.min(cacheRows, keys.rows());
    return attend(qkv, heads, scale, keys, values);
  }

  private static void checkCache(Tensor keys, Tensor values, long nEmbd) {
    boolean type = keys.type() == DType.F32 || keys.type() == DType.F16;
    if (!type
        || keys.readOnly()
        || values.readOnly()
        || keys.type() != values.type()
        || keys.columns() != nEmbd
        || !keys.isMatrix()
        || !Arrays.equals(keys.shape(), values.shape())) {
      throw new IllegalArgumentException(
          "Keys are "
              + keys
              + ", values "
              + values
              + ", expected equal matrices of F32 or F16 with "
              + nEmbd
              + " columns that can be written to");
    }
  }

  /**
   * Describes the tokens of the next computation.
   *
   * @param rows the cache row of each token
   * @param sequences the sequence of each token
   * @param positions the position of each token in its sequence
   * @param table the cache rows of all positions, including those of the new tokens
   */
  public void set(int[] rows, int[] sequences, int[] positions, RowTable table) {
    check("rows", rows, cacheRows);
    check("sequences", sequences, sequenceCount());
    check("positions", positions, positionCount());
    write(rows, sequences, positions, table);
  }

  private void check(String parameter, int[] values, long end) {
    Check.length(parameter, values.length, tokens);
    for (int i = 0; i < values.length; i++) {
      if (values[i] < 0 || values[i] >= end) {
        throw new InvalidArgumentException(
            parameter + "[" + i + "]", values[i], "0 to " + (end - 1));
      }
    }
  }

  long sequenceCount() {
    return Integer.MAX_VALUE;
  }

  long positionCount() {
    return Integer.MAX_VALUE;
  }

  abstract Tensor attend(Tensor qkv, Heads heads, float scale, Tensor keys, Tensor values);

  abstract void write(int[] rows, int[] sequences, int[] positions, RowTable table);

  private static final class ByTable extends CachedAttention {
    private final Tensor rows; // (tokens) I32
    private final Tensor sequences; // (tokens) I32
    private final Tensor positions; // (tokens) I32
    private final Tensor table; // (sequences, nPositions) I32

    ByTable(Graph graph, int tokens, Tensor table) {
      super(graph, tokens);
      if (table.type() != DType.I32 || !table.isMatrix()) {
        throw new IllegalArgumentException(
            "The table of cache rows is " + table + ", expected a matrix of I32");
      }
      this.rows = graph.input(DType.I32, tokens);
      this.sequences = graph.input(DType.I32, tokens);
      this.positions = graph.input(DType.I32, tokens);
      this.table = table;
    }

    @Override
    Tensor attend(Tensor qkv, Heads heads, float scale, Tensor keys, Tensor values) {
      var params = KernelParams.none().heads(heads.nHead()).scale(scale);
      long[] shape = {tokens, heads.nEmbd()};
      return graph.kernel(
          Kernel.ATTENTION_CACHED,
          params,
          shape,
          qkv,
          keys,
          values,
          rows,
          sequences,
          positions,
          table);
    }

    @Override
    long sequenceCount() {
      return table.rows();
    }

    @Override
    long positionCount() {
      return table.columns();
    }

    @Override
    void write(int[] tokenRows, int[] tokenSequences, int[] tokenPositions, RowTable unused) {
      rows.setInts(tokenRows);
      sequences.setInts(tokenSequences);
      positions.setInts(tokenPositions);
    }
  }

  /** The common part of both compositions of stock ops. */
  private abstract static sealed class Stock extends CachedAttention {
    private final Tensor rows; // (tokens) I64, as ggml's set_rows takes them

    Stock(Graph graph, int tokens) {
      super(graph, tokens);
      this.rows = graph.input(DType.I64, tokens);
    }

    /** Writes the new keys and values into the cache. */
    final void store(Tensor qkv, Heads heads, Tensor keys, Tensor values) {
      var newKeys = heads.columns(qkv, heads.nEmbd()); // (tokens, C)
      var newValues = heads.columns(qkv, 2 * heads.nEmbd()); // (tokens, C)
      graph.setRows(keys, newKeys, rows);
      graph.setRows(values, newValues, rows);
    }

    @Override
    final void write(int[] tokenRows, int[] sequences, int[] positions, RowTable table) {
      try (var arena = Arena.ofConfined()) {
        var wide = Arrays.stream(tokenRows).asLongStream().toArray();
        rows.set(arena.allocateFrom(JAVA_LONG, wide));
      }
      writeMask(tokenRows, sequences, positions, table);
    }

    abstract void writeMask(int[] tokenRows, int[] sequences, int[] positions, RowTable table);
  }

  private static final class FirstRows extends Stock {
    private final int seen;
    private final Tensor mask; // (tokens, seen) F32: 0 for the rows that a token sees, else -inf

    FirstRows(Graph graph, int tokens, int seen) {
      super(graph, tokens);
      this.seen = seen;
      this.mask = graph.input(DType.F32, tokens, seen);
    }

    @Override
    Tensor attend(Tensor qkv, Heads heads, float scale, Tensor keys, Tensor values) {
      store(qkv, heads, keys, values);
      var k = heads.view(graph.rows(keys, 0, seen), 0, 1); // (NH, seen, HS)
      var v = heads.view(graph.rows(values, 0, seen), 0, 1); // (NH, seen, HS)
      var q = heads.split(qkv, 0, 1); // (NH, tokens, HS)
      var p = graph.softMax(graph.mulMat(k, q), mask, scale); // (NH, tokens, seen)
      var y = // (NH, tokens, HS)
          v.type() == DType.F32
              ? graph.outProd(v, graph.transpose(p))
              : graph.mulMat(graph.cont(graph.transpose(v)), p);
      return heads.merge(y, tokens);
    }

    @Override
    void writeMask(int[] tokenRows, int[] sequences, int[] positions, RowTable table) {
      try (var arena = Arena.ofConfined()) {
        var values = arena.allocate(JAVA_FLOAT, mask.elements());
        for (long i = 0; i < mask.elements(); i++) {
          values.setAtIndex(JAVA_FLOAT, i, Float.NEGATIVE_INFINITY);
        }
        for (int t = 0; t < tokens; t++) {
          for (int p = 0; p <= positions[t]; p++) {
            int row = table.row(sequences[t], p);
            if (row < 0 || row >= seen) {
              throw new InvalidArgumentException(
                  "table.row(" + sequences[t] + ", " + p + ")", row, "0 to " + (seen - 1));
            }
            values.setAtIndex(JAVA_FLOAT, (long) t * seen + row, 0);
          }
        }
        mask.set(values);
      }
    }
  }

  private static final class GatheredRows extends Stock {
    private final int seen;
    private final Tensor
        mask; // (tokens, 1, 1, seen) F32: 0 for the positions of a token, else -inf
    private final Tensor history; // (tokens * seen) I32: the cache rows of each token

    GatheredRows(Graph graph, int tokens, int seen) {
      super(graph, tokens);
      this.seen = seen;
      this.mask = graph.input(DType.F32, tokens, 1, 1, seen);
      this.history = graph.input(DType.I32, (long) tokens * seen);
    }

    @Override
    Tensor attend(Tensor qkv, Heads heads, float scale, Tensor keys, Tensor values) {
      store(qkv, heads, keys, values);
      var k = graph.getRows(keys, history); // (tokens * seen, C)
      var v = graph.getRows(values, history); // (tokens * seen, C)
      var q = heads.split(qkv, 0, tokens); // (tokens, NH, 1, HS)
      var kHeads = heads.view(k, 0, tokens); // (tokens, NH, seen, HS)
      var vHeads = heads.view(v, 0, tokens); // (tokens, NH, seen, HS)
      var p = graph.softMax(graph.mulMat(kHeads, q), mask, scale); // (tokens, NH, 1, seen)
      // CUDA multiplies along the second dimension in one call and along the first one by one;
      // there are fewer heads than tokens: (NH, tokens, ..).
      var y =
          graph.outProd(
              graph.permute(vHeads, 1, 0, 2, 3),
              graph.permute(graph.transpose(p), 1, 0, 2, 3)); // (NH, tokens, 1, HS)
      return graph.reshape(
          graph.cont(graph.permute(y, 2, 1, 0, 3)), tokens, heads.nEmbd()); // (1, tokens, NH, HS)
    }

    @Override
    void writeMask(int[] tokenRows, int[] sequences, int[] positions, RowTable table) {
      try (var arena = Arena.ofConfined()) {
        var values = arena.allocate(JAVA_FLOAT, mask.elements());
        for (long i = 0; i < mask.elements(); i++) {
          values.setAtIndex(JAVA_FLOAT, i, Float.NEGATIVE_INFINITY);
        }
        var earlier = new int[Math.toIntExact(history.elements())];
        for (int t = 0; t < tokens; t++) {
          int first = t * seen;
          Arrays.fill(
              earlier, first, first + seen, tokenRows[t]); // masked, but must be a valid row
          for (int p = 0; p <= positions[t]; p++) {
            values.setAtIndex(JAVA_FLOAT, (long) first + p, 0);
            earlier[first + p] = table.row(sequences[t], p);
          }
        }
        mask.set(values);
        history.setInts(earlier);
      }
    }
  }
}
