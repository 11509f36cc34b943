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
 * <p>A pool holds one row per token. A table gives the row of each position of each sequence. Rows
 * are reference-counted and shared by forks: {@link #fork} and {@link #reassign} copy row numbers,
 * never keys and values.
 *
 * <p>Not thread-safe.
 */
final class KvCache implements AutoCloseable {
  /** The number of rows of the pool, and of the rows that a graph reads, is a multiple of this. */
  private static final int STEP = 256;

  static final int FIRST_SLOTS = 8;

  private final Gpt2Config config;
  private final Device device;
  private TensorStore store;
  private Tensor[] keys;
  private Tensor[] values;
  private int capacity;
  private int[] references;
  private final BitSet free = new BitSet();
  private int highest;

  private @Nullable TensorStore tableStore;
  private @Nullable Tensor table;
  private Arena tableArena = Arena.ofShared();
  private MemorySegment mirror = MemorySegment.NULL;
  private int[][] rows = new int[0][];
  private int[] lengths = new int[0];
  private int[] uploaded = new int[0];
  private boolean moved;
  private final BitSet slots = new BitSet();

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

  /** Number of rows that a cache starts with. */
  static int capacity(int expectedTokens) {
    return Math.max(STEP, roundUp(expectedTokens));
  }

  /** Bytes of rows and table. */
  long bytes() {
    return store.bytes() + (tableStore == null ? 0 : tableStore.bytes());
  }

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
        // Stock attention multiplies masked rows by zero, so uninitialised memory must not hold
        // NaN.
        fresh.zero();
      }
      return fresh;
    } catch (RuntimeException | Error e) {
      fresh.close();
      throw e;
    }
  }

  Tensor keys(int layer) {
    return keys[layer];
  }

  Tensor values(int layer) {
    return values[layer];
  }

  Tensor table() {
    if (table == null) {
      throw new IllegalStateException("The cache has no table");
    }
    return table;
  }

  /**
   * Number of rows, from the first, that a graph must read. Rounded up to a multiple of {@link
   * #STEP}, so that a graph can be reused while the cache fills.
   */
  int usedRows() {
    return Math.min(capacity, roundUp(highest));
  }

  /** Whether tensors were reallocated since the last call. */
  boolean moved() {
    boolean result = moved;
    moved = false;
    return result;
  }

  int length(int sequence) {
    return lengths[check(sequence)];
  }

  int row(int sequence, int position) {
    return rows[sequence][position];
  }

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

  void release(int sequence) {
    check(sequence);
    drop(rows[sequence], 0, lengths[sequence]);
    lengths[sequence] = 0;
    slots.clear(sequence);
  }

  void truncate(int sequence, int length) {
    check(sequence);
    if (length < 0 || length > lengths[sequence]) {
      throw new InvalidArgumentException("length", length, "0 to " + lengths[sequence]);
    }
    drop(rows[sequence], length, lengths[sequence]);
    lengths[sequence] = length;
    uploaded[sequence] = Math.min(uploaded[sequence], length);
  }

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
      // Entries after the end of a sequence are stale and may be equal by chance.
      int same = common < 0 ? newLengths[i] : Math.min(common, newLengths[i]);
      uploaded[sequence] = Math.min(uploaded[sequence], same);
    }
  }

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
    highest = Math.max(highest, row + 1);
    rows[sequence][lengths[sequence]++] = row;
    return row;
  }

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
    mirror = tableArena.allocate(JAVA_INT, (long) count * width);
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
        MemorySegment.copy(rows[slot], from, mirror, JAVA_INT, at, length);
        table().set(mirror.asSlice(at), at, 4L * length);
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
