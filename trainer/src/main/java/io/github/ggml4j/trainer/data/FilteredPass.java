package io.github.ggml4j.trainer.data;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** The rows whose value of one column passes a test. */
record FilteredPass(RowPass rows, int column, Predicate<@Nullable Object> test) implements RowPass {

  @Override
  public boolean next() {
    while (rows.next()) {
      if (test.test(rows.value(column))) {
        return true;
      }
    }
    return false;
  }

  @Override
  public @Nullable Object value(int index) {
    return rows.value(index);
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
