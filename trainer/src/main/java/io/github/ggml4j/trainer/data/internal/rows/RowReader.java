package io.github.ggml4j.trainer.data.internal.rows;

import io.github.ggml4j.trainer.error.DatasetException;
import org.jspecify.annotations.Nullable;

/**
 * Reads rows in order, with the columns that were requested when it was opened. It starts before
 * the first row. Not thread-safe.
 */
public interface RowReader extends AutoCloseable {

  /**
   * Moves to the next row.
   *
   * @return false at the end
   * @throws DatasetException if the row cannot be read
   */
  boolean next();

  /**
   * A value of the current row: a String, Long, Double or Boolean; null if the row has no value.
   *
   * @param column index among the requested columns
   */
  @Nullable Object value(int column);

  /** File and line or row number of the current row, for messages. */
  String location();

  /**
   * Skips rows.
   *
   * @return the number of rows skipped, less than {@code rows} only at the end
   */
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
