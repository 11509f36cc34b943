package io.github.ggml4j.nn;

import io.github.ggml4j.tensor.Device;
import io.github.ggml4j.tensor.internal.Kernel;

/**
 * Which rows of a cache of keys and values a graph reads. The kernel for attention looks the rows
 * up in a table while it runs, so a graph serves sequences of any length. A graph of stock ops is
 * built for a number of rows, and longer sequences need another graph.
 */
public sealed interface CacheAccess {
  /** The rows that a table names; the table is on the device. */
  record ByTable() implements CacheAccess {}

  /**
   * The first rows of the cache, all of them for each token; a mask hides those of other sequences.
   *
   * @param rows how many
   */
  record FirstRows(int rows) implements CacheAccess {}

  /**
   * Rows that are gathered for each token alone. All tokens belong to different sequences.
   *
   * @param rows how many for each token
   */
  record GatheredRows(int rows) implements CacheAccess {}

  /**
   * The sizes of {@link GatheredRows} are multiples of this, so that one graph serves many steps.
   */
  int ROWS_STEP = 128;

  /** Whether the device reads rows by a table. */
  static boolean isByTable(Device device) {
    return device.has(Kernel.ATTENTION);
  }

  /**
   * The access that costs least on a device.
   *
   * @param usedRows number of rows from the start of the cache that hold all tokens
   * @param longest tokens of the longest sequence if each token belongs to another one, else 0
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
