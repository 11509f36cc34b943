package io.github.ggml4j.nn;

import io.github.ggml4j.tensor.Device;
import io.github.ggml4j.tensor.internal.Kernel;

/**
 * Which rows of a cache of keys and values a graph reads. The kernel for attention looks the rows
 * up in a table while it runs, so a graph serves sequences of any length. A graph of stock ops is
 * built for a number of rows, and longer sequences need another graph.
 */
public sealed interface CacheAccess {
  /** The rows that a table on the device lists for each sequence. */
  record ByTable() implements CacheAccess {}

  /**
   * The first rows of the cache. Each token reads all of them; a mask hides the rows of other
   * sequences.
   *
   * @param rows number of rows
   */
  record FirstRows(int rows) implements CacheAccess {}

  /**
   * Rows that are gathered for each token separately. All tokens belong to different sequences.
   *
   * @param rows number of rows for each token
   */
  record GatheredRows(int rows) implements CacheAccess {}

  /**
   * The sizes of {@link GatheredRows} are multiples of this, so that one graph serves many steps.
   */
  int ROWS_STEP = 128;

  /** Whether the device reads rows by a table. */
  static boolean isByTable(Device device) {
    return device.has(Kernel.ATTENTION_CACHED);
  }

  /**
   * The access that costs least on a device.
   *
   * @param usedRows number of rows from the start of the cache up to the last used one
   * @param longest number of tokens of the longest sequence if all tokens belong to different
   *     sequences, else 0
   */
  static CacheAccess of(Device device, int usedRows, int longest) {
    if (isByTable(device)) {
      return new ByTable();
    }
    int rows = Math.ceilDiv(longest, ROWS_STEP) * ROWS_STEP;
    // Gathering a row costs about as much as comparing with one more row.
    return longest > 0 && 2L * rows < usedRows ? new GatheredRows(rows) : new FirstRows(usedRows);
  }
}
