package io.github.ggml4j.tokenizer;

import java.util.Arrays;

/** A hash map from a pair of token ids to rank and id of their merge, with open addressing. */
final class MergeTable {
  /** The value of a pair without a merge; larger than every rank. */
  static final long NONE = Long.MAX_VALUE;

  private final long[] keys;
  private final long[] values;
  private final int mask;

  MergeTable(int merges) {
    int capacity = Integer.highestOneBit(Math.max(merges, 4)) << 2;
    keys = new long[capacity];
    values = new long[capacity];
    Arrays.fill(keys, -1);
    mask = capacity - 1;
  }

  /** Adds a merge; replaces an earlier one of the same pair, as in Hugging Face's map. */
  void put(int left, int right, int rank, int id) {
    long key = key(left, right);
    int slot = slot(key);
    while (keys[slot] != -1 && keys[slot] != key) {
      slot = (slot + 1) & mask;
    }
    keys[slot] = key;
    values[slot] = ((long) rank << 32) | id;
  }

  /** The rank in the upper half and the id in the lower half, or {@link #NONE}. */
  long get(int left, int right) {
    long key = key(left, right);
    int slot = slot(key);
    while (true) {
      long found = keys[slot];
      if (found == key) {
        return values[slot];
      }
      if (found == -1) {
        return NONE;
      }
      slot = (slot + 1) & mask;
    }
  }

  private static long key(int left, int right) {
    return ((long) left << 32) | right;
  }

  private int slot(long key) {
    long hash = key * 0x9e3779b97f4a7c15L;
    return (int) (hash >>> 32) & mask;
  }
}
