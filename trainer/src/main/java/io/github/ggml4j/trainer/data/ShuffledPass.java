package io.github.ggml4j.trainer.data;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * Rows in an order drawn from a window that moves over them. Its position holds the rows of the
 * window themselves: to read them again, much of what was read before would be needed.
 */
final class ShuffledPass implements RowPass {

  private final RowPass rows;
  private final int columns;
  private final int capacity;
  private ShuffleWindow<@Nullable Object[]> window;
  private boolean ended;
  private @Nullable Object @Nullable [] row;

  ShuffledPass(RowPass rows, int columns, int capacity, long seed) {
    this.rows = rows;
    this.columns = columns;
    this.capacity = capacity;
    this.window = new ShuffleWindow<>(capacity, seed);
  }

  @Override
  public boolean next() {
    while (!ended && !window.isFull()) {
      if (rows.next()) {
        @Nullable Object[] read = new @Nullable Object[columns];
        for (int i = 0; i < columns; i++) {
          read[i] = rows.value(i);
        }
        window.add(read);
      } else {
        ended = true;
      }
    }
    if (window.isEmpty()) {
      row = null;
      return false;
    }
    row = window.draw();
    return true;
  }

  @Override
  public @Nullable Object value(int column) {
    if (row == null) {
      throw new IllegalStateException("there is no row");
    }
    return row[column];
  }

  @Override
  public void save(DataOutput out) throws IOException {
    out.writeLong(window.random());
    out.writeInt(window.items().size());
    for (@Nullable Object[] held : window.items()) {
      for (Object value : held) {
        Values.write(out, value);
      }
    }
    rows.save(out);
  }

  @Override
  public void restore(DataInput in) throws IOException {
    window = new ShuffleWindow<>(capacity, in.readLong());
    int size = in.readInt();
    if (size < 0 || size > capacity) {
      throw new IOException(size + " rows in a window of " + capacity);
    }
    for (int i = 0; i < size; i++) {
      @Nullable Object[] held = new @Nullable Object[columns];
      for (int column = 0; column < columns; column++) {
        held[column] = Values.read(in);
      }
      window.add(held);
    }
    rows.restore(in);
  }

  @Override
  public void close() {
    rows.close();
  }
}
