package io.github.ggml4j.trainer.data;

import org.jspecify.annotations.Nullable;

/**
 * One pass over the rows of a file: a cursor that stands before the first row, over the columns
 * that were asked for.
 */
interface RowReader extends AutoCloseable {

  /** Moves to the next row; false at the end. */
  boolean next();

  /**
   * A value of the row: a String, Long, Double or Boolean, or null where the row has none.
   *
   * @param column index among the columns that were asked for
   */
  @Nullable Object value(int column);

  /** Where the row stands, for messages. */
  String place();

  /** Passes over rows, as far as there are so many; returns how many there were. */
  default long skip(long rows) {
    long skipped = 0;
    while (skipped < rows && next()) {
      skipped++;
    }
    return skipped;
  }

  @Override
  void close();
}
