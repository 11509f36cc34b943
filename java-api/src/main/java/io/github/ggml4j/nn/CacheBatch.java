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
    if (table.type() != DType.I32 || table.elements() != table.ne(0) * table.ne(1)) {
      throw new IllegalArgumentException(table + " is no table of cache rows (I32, a matrix)");
    }
    if (graph.fused()) {
      this.rows = graph.input(DType.I32, tokens);
      this.sequences = graph.input(DType.I32, tokens);
      this.positions = graph.input(DType.I32, tokens);
      this.table = table;
      this.additive = null;
    } else {
      this.rows = graph.input(DType.I64, tokens);
      this.sequences = null;
      this.positions = null;
      this.table = null;
      this.additive = graph.input(DType.F32, tokens, usedRows);
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
      long used = additive.ne(0);
      var mask = arena.allocate(JAVA_FLOAT, additive.elements());
      for (long i = 0; i < additive.elements(); i++) {
        mask.setAtIndex(JAVA_FLOAT, i, Float.NEGATIVE_INFINITY);
      }
      for (int m = 0; m < tokenRows.length; m++) {
        for (int p = 0; p <= tokenPositions[m]; p++) {
          mask.setAtIndex(JAVA_FLOAT, m * used + seen.row(tokenSequences[m], p), 0);
        }
      }
      additive.set(mask);
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

  Tensor additive() {
    if (additive == null) {
      throw new IllegalStateException("The batch was made for a device with fused kernels");
    }
    return additive;
  }
}
