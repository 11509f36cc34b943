package io.github.ggml4j.nn;

import io.github.ggml4j.internal.Check;
import io.github.ggml4j.tensor.DType;
import io.github.ggml4j.tensor.Graph;
import io.github.ggml4j.tensor.Tensor;
import java.util.Arrays;
import java.util.BitSet;
import org.jspecify.annotations.Nullable;

/**
 * The tokens of a graph, with the id and the position of each. Call {@link #set} before each
 * computation.
 *
 * <p>If the gradients of embeddings are composed of stock ops, this class sorts the tokens by id on
 * the host, because ggml's own op compares every token with every row of the vocabulary.
 */
public final class TokenBatch {
  /** Number of tokens of a chunk; one op compares all of them with each other. */
  private static final int CHUNK = 512;

  private final Graph graph;
  private final Tensor ids;
  private final Tensor positions;
  private final int length;

  private @Nullable Scatter scatter;

  private TokenBatch(Graph graph, int tokens, int length) {
    this.graph = graph;
    this.ids = graph.input(DType.I32, tokens);
    this.positions = graph.input(DType.I32, tokens);
    this.length = length;
  }

  /** Tokens at any positions. */
  public static TokenBatch of(Graph graph, int tokens) {
    return new TokenBatch(graph, tokens, 0);
  }

  /**
   * Sequences of one length, each beginning at position 0.
   *
   * @param batch number of sequences, at least 1
   * @param length tokens of each, at least 1
   */
  public static TokenBatch sequences(Graph graph, int batch, int length) {
    Check.atLeast("batch", batch, 1);
    Check.atLeast("length", length, 1);
    return new TokenBatch(graph, Math.multiplyExact(batch, length), length);
  }

  /** {@code (tokens)} I32. */
  public Tensor ids() {
    return ids;
  }

  /** {@code (tokens)} I32. */
  public Tensor positions() {
    return positions;
  }

  /** The length of each sequence; 0 for tokens at any positions. */
  int length() {
    return length;
  }

  /**
   * Sets the tokens of the next computation for a batch of sequences.
   *
   * @param tokenIds {@code (B * T)}; the caller checks that they are in the vocabulary
   */
  public void set(int[] tokenIds) {
    if (length == 0) {
      throw new IllegalStateException(
          "This batch has tokens at any positions: call set(tokenIds, tokenPositions)");
    }
    var own = new int[tokenIds.length];
    Arrays.setAll(own, i -> i % length);
    set(tokenIds, own);
  }

  /**
   * Sets the tokens of the next computation.
   *
   * @param tokenIds {@code (tokens)}; the caller checks that they are in the vocabulary
   * @param tokenPositions {@code (tokens)}; the caller checks that they are less than {@code
   *     nPositions}
   */
  public void set(int[] tokenIds, int[] tokenPositions) {
    ids.setInts(tokenIds);
    positions.setInts(tokenPositions);
    if (scatter != null) {
      scatter.set(tokenIds);
    }
  }

  /**
   * {@code table[ids[t]] += dy[t]} in place, composed of stock ops.
   *
   * @param dy {@code (tokens, width)}
   * @param table {@code (rows, width)}
   */
  void addRows(Tensor dy, Tensor table) {
    if (scatter == null) {
      scatter = new Scatter(graph, ids.elements(), table.rows());
    }
    scatter.add(dy, table);
  }

  /**
   * Adds rows to a table at the ids of their tokens. The tokens are sorted by id and taken in
   * chunks. Within a chunk the rows of equal ids are summed first, so that a chunk adds to each row
   * of the table at most once.
   */
  private static final class Scatter {
    private final Graph graph;
    private final int tokens;
    private final int rows;
    private final int chunk;

    /** {@code (tokens)} I32: indices of the tokens, sorted by id. */
    private final Tensor order;

    /** {@code (tokens)} I32: for each sorted token, the index of its id in {@code targets}. */
    private final Tensor slots;

    /**
     * {@code (tokens)} I32: the different ids of each chunk. The rest of a chunk is filled with ids
     * that it does not contain; zero is added to their rows.
     */
    private final Tensor targets;

    Scatter(Graph graph, long tokens, long rows) {
      this.graph = graph;
      this.tokens = Math.toIntExact(tokens);
      this.rows = Math.toIntExact(rows);
      this.chunk = Math.min(CHUNK, this.rows);
      this.order = graph.input(DType.I32, tokens);
      this.slots = graph.input(DType.I32, tokens);
      this.targets = graph.input(DType.I32, tokens);
    }

    void add(Tensor dy, Tensor table) {
      for (int first = 0; first < tokens; first += chunk) {
        int count = Math.min(chunk, tokens - first);
        var part = graph.getRows(dy, graph.view(order, first, count)); // (count, C)
        var sums = // (count, C)
            graph.getRowsBack(part, graph.view(slots, first, count), part);
        var target = graph.view(targets, first, count);
        graph.setRows(table, graph.add(graph.getRows(table, target), sums), target);
      }
    }

    void set(int[] ids) {
      var sorted = new long[tokens];
      for (int i = 0; i < tokens; i++) {
        sorted[i] = (long) ids[i] << 32 | i;
      }
      Arrays.sort(sorted);
      var orders = new int[tokens];
      var slotsOf = new int[tokens];
      var named = new int[tokens];
      for (int first = 0; first < tokens; first += chunk) {
        int count = Math.min(chunk, tokens - first);
        var present = new BitSet(rows);
        int distinct = 0;
        for (int i = first; i < first + count; i++) {
          int id = (int) (sorted[i] >>> 32);
          if (!present.get(id)) {
            present.set(id);
            named[first + distinct++] = id;
          }
          orders[i] = (int) sorted[i];
          slotsOf[i] = distinct - 1;
        }
        for (int other = 0; distinct < count; distinct++) {
          other = present.nextClearBit(other);
          named[first + distinct] = other++;
        }
      }
      order.setInts(orders);
      slots.setInts(slotsOf);
      targets.setInts(named);
    }
  }
}
