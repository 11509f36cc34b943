package io.github.ggml4j.nn;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.github.ggml4j.tensor.DType;
import io.github.ggml4j.tensor.Graph;
import io.github.ggml4j.tensor.Tensor;
import java.lang.foreign.Arena;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * New tokens of several sequences whose earlier keys and values stand in a cache: for each token
 * the cache row that its own key and value go to, and the rows that it sees. Rows can be shared
 * between sequences, so a common prompt is kept once.
 */
public final class CacheBatch {
  private final Tensor rows;
  private final @Nullable Tensor sequences;
  private final @Nullable Tensor positions;
  private final @Nullable Tensor table;
  private final @Nullable Tensor additive;
  private final @Nullable Tensor history;
  private long cacheRows = Long.MAX_VALUE;

  /**
   * A batch for one graph.
   *
   * @param tokens number of new tokens
   * @param table {@code (sequences, nPositions)} I32: the cache row of each position of each
   *     sequence
   * @param usedRows rows of the cache from its start on that may be seen
   */
  public CacheBatch(Graph graph, int tokens, Tensor table, int usedRows) {
    this(graph, tokens, table, usedRows, 0);
  }

  /**
   * A batch of one token each of several sequences, for one graph.
   *
   * @param longest the most tokens that one of the sequences has, the new one included. Where
   *     attention is composed of stock ops, each token is compared with so many rows of its own
   *     instead of with all rows of the cache
   */
  public static CacheBatch separate(Graph graph, int sequences, Tensor table, int longest) {
    if (longest < 1) {
      throw new IllegalArgumentException("longest is " + longest + ", expected at least 1");
    }
    return new CacheBatch(graph, sequences, table, 0, longest);
  }

  private CacheBatch(Graph graph, int tokens, Tensor table, int usedRows, int longest) {
    if (table.type() != DType.I32 || table.elements() != table.ne(0) * table.ne(1)) {
      throw new IllegalArgumentException(table + " is no table of cache rows (I32, a matrix)");
    }
    if (graph.fused()) {
      this.rows = graph.input(DType.I32, tokens);
      this.sequences = graph.input(DType.I32, tokens);
      this.positions = graph.input(DType.I32, tokens);
      this.table = table;
      this.additive = null;
      this.history = null;
    } else {
      this.rows = graph.input(DType.I64, tokens);
      this.sequences = null;
      this.positions = null;
      this.table = null;
      this.additive =
          longest == 0
              ? graph.input(DType.F32, tokens, usedRows)
              : graph.input(DType.F32, tokens, 1, 1, longest);
      this.history = longest == 0 ? null : graph.input(DType.I32, (long) tokens * longest);
    }
  }

  /** Which rows a token sees. */
  @FunctionalInterface
  public interface RowTable {
    /** The cache row of position {@code position} of sequence {@code sequence}. */
    int row(int sequence, int position);
  }

  /**
   * Describes the tokens of the next computation.
   *
   * @param tokenRows cache row of each token
   * @param tokenSequences column of the table of each token
   * @param tokenPositions how many tokens precede each in its sequence
   * @param seen what the table holds, this computation's tokens included
   */
  public void set(int[] tokenRows, int[] tokenSequences, int[] tokenPositions, RowTable seen) {
    check("Row", tokenRows, cacheRows);
    check("Sequence", tokenSequences, table == null ? Long.MAX_VALUE : table.ne(1));
    check("Position", tokenPositions, table == null ? Long.MAX_VALUE : table.ne(0));
    if (sequences != null && positions != null) {
      rows.setInts(tokenRows);
      sequences.setInts(tokenSequences);
      positions.setInts(tokenPositions);
      return;
    }
    if (additive == null) {
      throw new IllegalStateException("A batch without fused kernels has a mask");
    }
    try (var arena = Arena.ofConfined()) {
      var wide = Arrays.stream(tokenRows).asLongStream().toArray();
      rows.set(arena.allocateFrom(JAVA_LONG, wide));
      long width = additive.ne(0);
      var mask = arena.allocate(JAVA_FLOAT, additive.elements());
      for (long i = 0; i < additive.elements(); i++) {
        mask.setAtIndex(JAVA_FLOAT, i, Float.NEGATIVE_INFINITY);
      }
      var earlier = history == null ? new int[0] : new int[Math.toIntExact(history.elements())];
      for (int m = 0; m < tokenRows.length; m++) {
        if (history != null) {
          int first = Math.toIntExact(m * width);
          Arrays.fill(earlier, first, Math.toIntExact(first + width), tokenRows[m]); // masked
        }
        for (int p = 0; p <= tokenPositions[m]; p++) {
          int row = seen.row(tokenSequences[m], p);
          mask.setAtIndex(JAVA_FLOAT, m * width + (history == null ? row : p), 0);
          if (history != null) {
            earlier[Math.toIntExact(m * width + p)] = row;
          }
        }
      }
      additive.set(mask);
      if (history != null) {
        history.setInts(earlier);
      }
    }
  }

  private void check(String what, int[] values, long end) {
    if (values.length != rows.ne(0)) {
      throw new IllegalArgumentException(
          values.length + " values for the " + rows.ne(0) + " tokens of the batch");
    }
    for (int value : values) {
      if (value < 0 || value >= end) {
        throw new IllegalArgumentException(what + " is " + value + ", expected 0 to " + (end - 1));
      }
    }
  }

  /** Told by attention what the batch is used with. */
  void use(long tokens, long rowsOfCache) {
    if (rows.ne(0) != tokens) {
      throw new IllegalArgumentException(
          "A batch of " + rows.ne(0) + " tokens for queries of " + tokens);
    }
    cacheRows = Math.min(cacheRows, rowsOfCache);
  }

  Tensor rows() {
    return rows;
  }

  Tensor[] fusedSources(Tensor qkv, Tensor k, Tensor v) {
    if (sequences == null || positions == null || table == null) {
      throw new IllegalStateException("The batch was made for a device without fused kernels");
    }
    return new Tensor[] {qkv, k, v, rows, sequences, positions, table};
  }

  /** The rows that each token may see, {@code (tokens * longest)}; null where it may be any. */
  @Nullable Tensor history() {
    return history;
  }

  Tensor additive() {
    if (additive == null) {
      throw new IllegalStateException("The batch was made for a device with fused kernels");
    }
    return additive;
  }
}
