package io.github.ggml4j.trainer.data;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.function.LongPredicate;
import org.jspecify.annotations.Nullable;

/** The rows that are chosen by their number, up to a limit. */
final class CountedPass implements RowPass {

  private final RowPass rows;
  private final LongPredicate chosen;
  private final long limit;
  private long count;

  CountedPass(RowPass rows, LongPredicate chosen, long limit) {
    this.rows = rows;
    this.chosen = chosen;
    this.limit = limit;
  }

  @Override
  public boolean next() {
    while (count < limit && rows.next()) {
      if (chosen.test(count++)) {
        return true;
      }
    }
    return false;
  }

  @Override
  public @Nullable Object value(int column) {
    return rows.value(column);
  }

  @Override
  public void save(DataOutput out) throws IOException {
    out.writeLong(count);
    rows.save(out);
  }

  @Override
  public void restore(DataInput in) throws IOException {
    count = in.readLong();
    rows.restore(in);
  }

  @Override
  public void close() {
    rows.close();
  }
}
