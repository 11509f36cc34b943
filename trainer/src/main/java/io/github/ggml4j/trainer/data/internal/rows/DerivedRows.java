package io.github.ggml4j.trainer.data.internal.rows;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** The rows of another reader. Subclasses select rows or columns, or change values. */
abstract class DerivedRows implements ResumableRows {

  final ResumableRows rows;

  DerivedRows(ResumableRows rows) {
    this.rows = rows;
  }

  @Override
  public boolean next() {
    return rows.next();
  }

  @Override
  public @Nullable Object value(int column) {
    return rows.value(column);
  }

  @Override
  public String location() {
    return rows.location();
  }

  @Override
  public void save(DataOutput out) throws IOException {
    rows.save(out);
  }

  @Override
  public void restore(DataInput in) throws IOException {
    rows.restore(in);
  }

  @Override
  public void close() {
    rows.close();
  }
}
