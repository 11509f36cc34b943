package io.github.ggml4j.trainer.data.internal.rows;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.function.LongPredicate;

/** The rows that pass a test, up to a maximum number of tested rows. */
final class SelectedRows extends DerivedRows {

  private final LongPredicate test;
  private final long limit;
  private long index;

  /**
   * A selection.
   *
   * @param test gets the index of the current row, from 0; true = keep
   * @param limit maximum number of rows to test
   */
  SelectedRows(ResumableRows rows, LongPredicate test, long limit) {
    super(rows);
    this.test = test;
    this.limit = limit;
  }

  @Override
  public boolean next() {
    while (index < limit && rows.next()) {
      if (test.test(index++)) {
        return true;
      }
    }
    return false;
  }

  @Override
  public void save(DataOutput out) throws IOException {
    out.writeLong(index);
    rows.save(out);
  }

  @Override
  public void restore(DataInput in) throws IOException {
    index = in.readLong();
    if (index < 0) {
      throw new IOException("it has row " + index);
    }
    rows.restore(in);
  }
}
