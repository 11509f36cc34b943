package io.github.ggml4j.trainer.data.internal.rows;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;

/** A reader whose position can be saved and restored. */
public interface ResumableRows extends RowReader {

  /** Writes the position after the current row. */
  void save(DataOutput out) throws IOException;

  /**
   * Moves to a position that a reader of the same rows saved. Allowed only before the first row.
   *
   * @throws IOException if the position is damaged
   */
  void restore(DataInput in) throws IOException;
}
