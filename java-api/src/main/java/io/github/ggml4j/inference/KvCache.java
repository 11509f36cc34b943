package io.github.ggml4j.inference;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.github.ggml4j.error.InvalidArgumentException;
import io.github.ggml4j.model.Gpt2Config;
import io.github.ggml4j.nn.CacheAccess;
import io.github.ggml4j.tensor.DType;
import io.github.ggml4j.tensor.Device;
import io.github.ggml4j.tensor.Tensor;
import io.github.ggml4j.tensor.TensorStore;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.BitSet;
import org.jspecify.annotations.Nullable;

/**
 * The keys and values of all sequences of a session.
 *
 * <p>A pool of rows holds one row for each token. A table has the row of each position of each
 * sequence. Rows are reference-counted and shared by forks: {@link #fork} and {@link #reassign}
 * copy row numbers, never keys and values.
 *
 * <p>The id of a sequence is its row of the table, called its slot.
 *
 * <p>Not thread-safe.
 */
final class KvCache implements AutoCloseable {
  /** The capacity of the pool, and the number of rows that a graph reads, are multiples of this. */
  private static final int STEP = 256;

  /** Number of sequences that a new table has room for. */
  static final int FIRST_SLOTS = 8;

  private final Gpt2Config config;
  private final Device device;

  /** Holds keys and values. */
  private TensorStore store;

  /** For each layer {@code (capacity, nEmbd)}. */
  private Tensor[] keys;

  /** For each layer {@code (capacity, nEmbd)}. */
  private Tensor[] values;

  /** Number of rows of the pool. */
  private int capacity;

  /** How many sequences use each row. */
  private int[] references;

  /** The rows that no sequence uses. */
  private final BitSet free = new BitSet();

  /** Index after the last row that was ever used. */
  private int end;

  private @Nullable TensorStore tableStore;

  /** {@code (slots, nPositions)} I32: the row of each position of each sequence. */
  private @Nullable Tensor table;

  private Arena tableArena = Arena.ofShared();

  /** A copy of the table in native memory, from which changed entries are uploaded. */
  private MemorySegment tableCopy = MemorySegment.NULL;

  /** The slots in use. */
  private final BitSet slots = new BitSet();

  /** For each slot, the row of each position. Entries from the sequence's length on are unused. */
  private int[][] rows = new int[0][];

  /** For each slot, the number of tokens. */
  private int[] lengths = new int[0];

  /** For each slot, how many entries from the first on are the same in the device's table. */
  private int[] uploaded = new int[0];

  /** Whether tensors were reallocated since the last call of {@link #moved}. */
  private boolean moved;

  KvCache(Gpt2Config config, Device device, int expectedTokens) {
    this.config = config;
    this.device = device;
    this.capacity = capacity(expectedTokens);
    this.keys = new Tensor[config.nLayer()];
    this.values = new Tensor[config.nLayer()];
    this.store = allocate(capacity, keys, values);
    try {
      this.references = new int[capacity];
      this.free.set(0, capacity);
      growTable(FIRST_SLOTS);
    } catch (RuntimeException | Error e) {
      store.close();
      throw e;
    }
    this.moved = false;
  }

  /** Number of rows of a new cache for an expected number of tokens. */
  static int capacity(int expectedTokens) {
    return Math.max(STEP, roundUp(expectedTokens));
  }

  /** Bytes of rows and table. */
  long bytes() {
    return store.bytes() + (tableStore == null ? 0 : tableStore.bytes());
  }

  /** The next multiple of {@link #STEP}. */
  static int roundUp(int rows) {
    return (int) Math.min(Integer.MAX_VALUE - STEP, ((long) rows + STEP - 1) / STEP * STEP);
  }

  private TensorStore allocate(int tokens, Tensor[] k, Tensor[] v) {
    var fresh = new TensorStore(device, "a cache of " + tokens + " tokens", 2 * config.nLayer());
    try {
      for (int layer = 0; layer < config.nLayer(); layer++) {
        k[layer] = fresh.add(DType.F32, tokens, config.nEmbd());
        v[layer] = fresh.add(DType.F32, tokens, config.nEmbd());
      }
      fresh.allocate();
      if (!CacheAccess.isByTable(device)) {
        // Stock attention multiplies masked rows by 0, and 0 * NaN is NaN.
        fresh.zero();
      }
      return fresh;
    } catch (RuntimeException | Error e) {
      fresh.close();
      throw e;
    }
  }

  /** {@code (capacity, nEmbd)}. */
  Tensor keys(int layer) {
    return keys[layer];
  }

  /** {@code (capacity, nEmbd)}. */
  Tensor values(int layer) {
    return values[layer];
  }

  /** {@code (slots, nPositions)} I32. */
  Tensor table() {
    if (table == null) {
      throw new IllegalStateException("The cache has no table");
    }
    return table;
  }

  /**
   * Number of rows that a graph must read, starting with row 0. Rounded up to a multiple of {@link
   * #STEP}, so that a graph is reused while the cache fills.
   */
  int usedRows() {
    return Math.min(capacity, roundUp(end));
  }

  /** Whether tensors were reallocated since the last call. Graphs of the old ones are stale. */
  boolean moved() {
    boolean result = moved;
    moved = false;
    return result;
  }

  /** Number of tokens of a sequence. */
  int length(int sequence) {
    return lengths[check(sequence)];
  }

  /** The row of a position. */
  int row(int sequence, int position) {
    return rows[sequence][position];
  }

  /** Adds an empty sequence; returns its id. */
  int newSequence() {
    int slot = slots.nextClearBit(0);
    if (slot >= rows.length) {
      growTable(2 * rows.length);
    }
    slots.set(slot);
    lengths[slot] = 0;
    uploaded[slot] = 0;
    return slot;
  }

  /** Adds a sequence that shares the rows of another; returns its id. */
  int fork(int sequence) {
    check(sequence);
    int child = newSequence();
    int length = lengths[sequence];
    rows[child] = rows[sequence].clone();
    lengths[child] = length;
    for (int i = 0; i < length; i++) {
      references[rows[child][i]]++;
    }
    return child;
  }

  /** Removes a sequence. */
  void release(int sequence) {
    check(sequence);
    drop(rows[sequence], 0, lengths[sequence]);
    lengths[sequence] = 0;
    slots.clear(sequence);
  }

  /** Removes the tokens from position {@code length} on. */
  void truncate(int sequence, int length) {
    check(sequence);
    if (length < 0 || length > lengths[sequence]) {
      throw new InvalidArgumentException("length", length, "0 to " + lengths[sequence]);
    }
    drop(rows[sequence], length, lengths[sequence]);
    lengths[sequence] = length;
    uploaded[sequence] = Math.min(uploaded[sequence], length);
  }

  /** Gives each sequence the rows that its parent had before the call. */
  void reassign(int[] sequences, int[] parents) {
    for (int i = 0; i < sequences.length; i++) {
      check(sequences[i]);
      check(parents[i]);
    }
    var newRows = new int[sequences.length][];
    var newLengths = new int[sequences.length];
    for (int i = 0; i < sequences.length; i++) {
      newRows[i] = rows[parents[i]].clone();
      newLengths[i] = lengths[parents[i]];
      for (int p = 0; p < newLengths[i]; p++) {
        references[newRows[i][p]]++;
      }
    }
    for (int i = 0; i < sequences.length; i++) {
      int sequence = sequences[i];
      drop(rows[sequence], 0, lengths[sequence]);
      int common = Arrays.mismatch(rows[sequence], newRows[i]);
      rows[sequence] = newRows[i];
      lengths[sequence] = newLengths[i];
      // Unused entries may be equal by chance.
      int same = common < 0 ? newLengths[i] : Math.min(common, newLengths[i]);
      uploaded[sequence] = Math.min(uploaded[sequence], same);
    }
  }

  /** Releases the rows of the positions from {@code from} to {@code to - 1}. */
  private void drop(int[] sequenceRows, int from, int to) {
    for (int i = from; i < to; i++) {
      int row = sequenceRows[i];
      if (--references[row] == 0) {
        free.set(row);
      }
    }
  }

  /** Grows the pool so that this many tokens can be appended. */
  void reserve(int tokens) {
    int missing = tokens - free.cardinality();
    if (missing > 0) {
      growRows(roundUp(Math.max(capacity + missing, capacity + capacity / 2)));
    }
  }

  /** Appends one token to a sequence; returns its row. */
  int append(int sequence) {
    int row = free.nextSetBit(0);
    if (row < 0) {
      throw new IllegalStateException("No cache row was reserved");
    }
    free.clear(row);
    references[row] = 1;
    end = Math.max(end, row + 1);
    rows[sequence][lengths[sequence]++] = row;
    return row;
  }

  /** Replaces the pool by a larger one and copies keys and values. */
  private void growRows(int newCapacity) {
    var newKeys = new Tensor[config.nLayer()];
    var newValues = new Tensor[config.nLayer()];
    var newStore = allocate(newCapacity, newKeys, newValues);
    long bytes = 4L * capacity * config.nEmbd();
    try (var arena = Arena.ofConfined()) {
      var copy = arena.allocate(bytes, 64);
      for (int layer = 0; layer < config.nLayer(); layer++) {
        keys[layer].get(copy, 0, bytes);
        newKeys[layer].set(copy, 0, bytes);
        values[layer].get(copy, 0, bytes);
        newValues[layer].set(copy, 0, bytes);
      }
    } catch (RuntimeException | Error e) {
      newStore.close();
      throw e;
    }
    store.close();
    store = newStore;
    keys = newKeys;
    values = newValues;
    references = Arrays.copyOf(references, newCapacity);
    free.set(capacity, newCapacity);
    capacity = newCapacity;
    moved = true;
  }

  /** Replaces the table by one with more slots. Its entries are uploaded again. */
  private void growTable(int count) {
    int old = rows.length;
    int width = config.nPositions();
    var newStore = new TensorStore(device, "the table of a cache", 1);
    Tensor newTable;
    try {
      newTable = newStore.add(DType.I32, count, width);
      newStore.allocate();
    } catch (RuntimeException | Error e) {
      newStore.close();
      throw e;
    }
    if (tableStore != null) {
      tableStore.close();
    }
    tableStore = newStore;
    table = newTable;
    tableArena.close();
    tableArena = Arena.ofShared();
    tableCopy = tableArena.allocate(JAVA_INT, (long) count * width);
    rows = Arrays.copyOf(rows, count);
    lengths = Arrays.copyOf(lengths, count);
    for (int slot = old; slot < count; slot++) {
      rows[slot] = new int[width];
    }
    uploaded = new int[count];
    moved = true;
  }

  /** Uploads the table entries that changed since the last call. */
  void uploadTable() {
    if (!CacheAccess.isByTable(device)) {
      return;
    }
    long width = config.nPositions();
    for (int slot = slots.nextSetBit(0); slot >= 0; slot = slots.nextSetBit(slot + 1)) {
      int from = uploaded[slot];
      int length = lengths[slot] - from;
      if (length > 0) {
        long at = 4 * (slot * width + from);
        MemorySegment.copy(rows[slot], from, tableCopy, JAVA_INT, at, length);
        table().set(tableCopy.asSlice(at), at, 4L * length);
        uploaded[slot] = lengths[slot];
      }
    }
  }

  private int check(int sequence) {
    if (sequence < 0 || !slots.get(sequence)) {
      throw new IllegalArgumentException(
          "There is no sequence " + sequence + ": it was never created, or is already released");
    }
    return sequence;
  }

  @Override
  public void close() {
    store.close();
    if (tableStore != null) {
      tableStore.close();
    }
    tableArena.close();
  }
}
