package io.github.ggml4j.tokenizer;

import java.util.Arrays;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Byte pair encoding of single words (<a href="https://arxiv.org/abs/1508.07909">Sennrich et
 * al.</a>): merges adjacent tokens, the pair of lowest rank first and the leftmost of equal ranks,
 * until no pair has a merge. The rank of a merge is its position in the list of merges; ids may be
 * in another order.
 *
 * <p>Thread-safe: entries of the cache are immutable, so that a race can only replace one correct
 * entry by another.
 */
final class Bpe {
  /** Longer words use a heap to find the next pair instead of a scan. */
  private static final int MAX_SCAN = 48;

  private static final int MAX_CACHED = 32;
  private static final int CACHE_SIZE = 1 << 14;

  private static final int[] NOTHING = {};

  /** The number of UTF-8 bytes of each byte's spelling; the unit of {@link Word#ends}. */
  private static final byte[] WIDTHS = new byte[256];

  static {
    for (int b = 0; b < 256; b++) {
      WIDTHS[b] = (byte) (ByteLevel.character(b) < 0x80 ? 1 : 2);
    }
  }

  /** A word and its tokens; {@code ends} holds the end of each token, counted by {@link #width}. */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  record Word(byte[] bytes, int[] ids, int[] ends) {}

  private final int[] byteIds;
  private final MergeTable merges;
  private final int unknownId;
  private final boolean fuseUnknown;
  private final @Nullable Map<String, Integer> words;
  private final @Nullable Word[] cache = new @Nullable Word[CACHE_SIZE];

  /**
   * @param byteIds the id of each byte, or -1 if the vocabulary lacks it
   * @param unknownId the token for bytes that the vocabulary lacks, or -1 to drop them
   * @param fuseUnknown whether consecutive unknown bytes become one token
   * @param words whole words that become a token without merges, by spelling; null for none
   */
  Bpe(
      int[] byteIds,
      MergeTable merges,
      int unknownId,
      boolean fuseUnknown,
      @Nullable Map<String, Integer> words) {
    this.byteIds = byteIds;
    this.merges = merges;
    this.unknownId = unknownId;
    this.fuseUnknown = fuseUnknown;
    this.words = words;
  }

  /** The number that a byte adds to {@link Word#ends}. */
  static int width(byte b) {
    return WIDTHS[b & 0xff];
  }

  /** Encodes the first {@code length} bytes as one word. */
  Word encode(byte[] bytes, int length) {
    if (length > MAX_CACHED) {
      return encodeUncached(Arrays.copyOf(bytes, length));
    }
    int hash = 0;
    for (int i = 0; i < length; i++) {
      hash = 31 * hash + bytes[i];
    }
    int slot = ((hash * 0x9e3779b9) >>> 7) & (CACHE_SIZE - 1);
    Word cached = cache[slot];
    if (cached != null && Arrays.equals(cached.bytes, 0, cached.bytes.length, bytes, 0, length)) {
      return cached;
    }
    Word word = encodeUncached(Arrays.copyOf(bytes, length));
    cache[slot] = word;
    return word;
  }

  private Word encodeUncached(byte[] bytes) {
    Integer whole = words == null ? null : words.get(ByteLevel.spell(bytes));
    if (whole != null) {
      int end = 0;
      for (byte b : bytes) {
        end += width(b);
      }
      return new Word(bytes, new int[] {whole}, new int[] {end});
    }
    int[] ids = new int[bytes.length];
    int[] lengths = new int[bytes.length];
    int count = 0;
    boolean afterUnknown = false;
    for (byte b : bytes) {
      int id = byteIds[b & 0xff];
      boolean unknown = id < 0;
      if (unknown) {
        if (unknownId < 0) {
          continue;
        }
        if (fuseUnknown && afterUnknown) {
          lengths[count - 1] += width(b);
          continue;
        }
        id = unknownId;
      }
      afterUnknown = unknown;
      ids[count] = id;
      lengths[count++] = width(b);
    }
    if (count > 1) {
      count =
          count <= MAX_SCAN ? mergeByScan(ids, lengths, count) : mergeByHeap(ids, lengths, count);
    }
    if (count == 0) {
      return new Word(bytes, NOTHING, NOTHING);
    }
    int[] ends = new int[count];
    for (int i = 0, end = 0; i < count; i++) {
      end += lengths[i];
      ends[i] = end;
    }
    return new Word(bytes, count == ids.length ? ids : Arrays.copyOf(ids, count), ends);
  }

  private int mergeByScan(int[] ids, int[] lengths, int symbols) {
    int count = symbols;
    long[] pairs = new long[count - 1];
    for (int i = 0; i < pairs.length; i++) {
      pairs[i] = merges.get(ids[i], ids[i + 1]);
    }
    while (true) {
      int best = -1;
      long lowest = MergeTable.NONE;
      for (int i = 0; i < count - 1; i++) {
        if (pairs[i] < lowest) {
          lowest = pairs[i];
          best = i;
        }
      }
      if (best < 0) {
        return count;
      }
      ids[best] = (int) lowest;
      lengths[best] += lengths[best + 1];
      int moved = count - best - 2;
      System.arraycopy(ids, best + 2, ids, best + 1, moved);
      System.arraycopy(lengths, best + 2, lengths, best + 1, moved);
      count--;
      if (best < count - 1) {
        System.arraycopy(pairs, best + 2, pairs, best + 1, count - 2 - best);
        pairs[best] = merges.get(ids[best], ids[best + 1]);
      }
      if (best > 0) {
        pairs[best - 1] = merges.get(ids[best - 1], ids[best]);
      }
    }
  }

  /** Gives the same result as the scan in O(n log n), with a linked list and a heap of pairs. */
  private int mergeByHeap(int[] ids, int[] lengths, int symbols) {
    int[] next = new int[symbols];
    int[] previous = new int[symbols];
    PairHeap heap = new PairHeap(symbols);
    for (int i = 0; i < symbols; i++) {
      next[i] = i + 1 < symbols ? i + 1 : -1;
      previous[i] = i - 1;
    }
    for (int i = 0; i + 1 < symbols; i++) {
      push(heap, ids, i, i + 1);
    }
    while (!heap.isEmpty()) {
      long candidate = heap.pop();
      int left = (int) candidate;
      int right = next[left];
      if (lengths[left] == 0 || right < 0) {
        continue;
      }
      long pair = merges.get(ids[left], ids[right]);
      if (pair >> 32 != candidate >> 32) {
        continue; // an adjacent token was merged in the meantime
      }
      ids[left] = (int) pair;
      lengths[left] += lengths[right];
      lengths[right] = 0;
      int after = next[right];
      next[left] = after;
      if (after >= 0) {
        previous[after] = left;
        push(heap, ids, left, after);
      }
      if (previous[left] >= 0) {
        push(heap, ids, previous[left], left);
      }
    }
    int count = 0;
    for (int i = 0; i >= 0; i = next[i]) {
      ids[count] = ids[i];
      lengths[count++] = lengths[i];
    }
    return count;
  }

  private void push(PairHeap heap, int[] ids, int left, int right) {
    long pair = merges.get(ids[left], ids[right]);
    if (pair != MergeTable.NONE) {
      heap.push((pair >> 32 << 32) | left);
    }
  }

  /** A min-heap of longs: the rank in the upper half, the position in the lower. */
  private static final class PairHeap {
    private long[] items;
    private int size;

    PairHeap(int capacity) {
      items = new long[capacity];
    }

    boolean isEmpty() {
      return size == 0;
    }

    void push(long item) {
      if (size == items.length) {
        items = Arrays.copyOf(items, size + (size >> 1) + 1);
      }
      int i = size++;
      while (i > 0) {
        int parent = (i - 1) >>> 1;
        if (items[parent] <= item) {
          break;
        }
        items[i] = items[parent];
        i = parent;
      }
      items[i] = item;
    }

    long pop() {
      long top = items[0];
      long last = items[--size];
      int i = 0;
      while (true) {
        int child = 2 * i + 1;
        if (child >= size) {
          break;
        }
        if (child + 1 < size && items[child + 1] < items[child]) {
          child++;
        }
        if (last <= items[child]) {
          break;
        }
        items[i] = items[child];
        i = child;
      }
      items[i] = last;
      return top;
    }
  }
}
