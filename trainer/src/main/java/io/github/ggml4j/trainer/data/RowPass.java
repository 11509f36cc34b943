package io.github.ggml4j.trainer.data;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** A pass over the rows of a table, of which the position can be saved and found again. */
interface RowPass extends AutoCloseable {

  /** Moves to the next row; false at the end. */
  boolean next();

  /** A value of the row, as in {@link RowReader#value}. */
  @Nullable Object value(int column);

  /** Writes where this stands, between two rows. */
  void save(DataOutput out) throws IOException;

  /** Goes to where another pass over the same table stood. Only before the first row. */
  void restore(DataInput in) throws IOException;

  @Override
  void close();
}
