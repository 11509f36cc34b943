package io.github.ggml4j.nn;

import io.github.ggml4j.tensor.DType;
import io.github.ggml4j.tensor.Graph;
import io.github.ggml4j.tensor.Tensor;
import java.util.Arrays;
import java.util.BitSet;
import org.jspecify.annotations.Nullable;

/**
 * The tokens of a graph: the id and the position of each, to be {@link #set} before each
 * computation.
 *
 * <p>Ids are known before the computation, and gradients of embeddings use that where they are
 * composed of stock ops: which tokens share a row is sorted out here, since ggml's op compares
 * every token with every row of the vocabulary.
 */
public final class TokenBatch {
  /** Tokens that are compared with each other in one op. */
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

  /** Whole sequences of one length, one behind the other, each beginning at position 0. */
  public static TokenBatch sequences(Graph graph, int batch, int length) {
    if (batch < 1 || length < 1) {
      throw new IllegalArgumentException(
          "Batch of " + batch + " sequences of " + length + " tokens, expected at least 1 of 1");
    }
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
   * The tokens of the next computation, whole sequences.
   *
   * @param tokenIds checked by the caller to be within the vocabulary
   */
  public void set(int[] tokenIds) {
    if (length == 0) {
      throw new IllegalStateException("These tokens have no positions of their own; give them");
    }
    var own = new int[tokenIds.length];
    Arrays.setAll(own, i -> i % length);
    set(tokenIds, own);
  }

  /**
   * The tokens of the next computation.
   *
   * @param tokenIds and {@code tokenPositions}: checked by the caller to be in range; the positions
   *     of whole sequences are those from 0 on
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
      scatter = new Scatter(graph, ids.elements(), table.ne(1));
    }
    scatter.add(dy, table);
  }

  /**
   * Tokens sorted by id, in chunks. Within a chunk, rows of one id are added up; the sums of a
   * chunk are added to the table's rows, each of which a chunk names once.
   */
  private static final class Scatter {
    private final Graph graph;
    private final int tokens;
    private final int rows;
    private final int chunk;

    /** The tokens in the order of their ids. */
    private final Tensor order;

    /** For each of these, which of the chunk's ids it has. */
    private final Tensor slots;

    /** The ids of a chunk, then others that it has not, whose sums are zero. */
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
        var part = graph.getRows(dy, graph.view(order, first, count));
        var sums = graph.getRowsBack(part, graph.view(slots, first, count), part);
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
