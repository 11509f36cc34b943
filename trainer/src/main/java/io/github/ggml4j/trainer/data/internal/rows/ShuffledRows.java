package io.github.ggml4j.trainer.data.internal.rows;

import io.github.ggml4j.trainer.internal.ShuffleWindow;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Shuffles rows within a window. A saved position contains the rows of the window, because they
 * come from many positions in the files.
 */
final class ShuffledRows implements ResumableRows {

  /** A row that was read. */
  private record Held(List<@Nullable Object> values, String location) {}

  private final ResumableRows rows;
  private final int columns;
  private final int capacity;
  private ShuffleWindow<Held> window;
  private boolean ended;
  private @Nullable Held row;

  ShuffledRows(ResumableRows rows, int columns, int capacity, long seed) {
    this.rows = rows;
    this.columns = columns;
    this.capacity = capacity;
    this.window = new ShuffleWindow<>(capacity, seed);
  }

  @Override
  public boolean next() {
    while (!ended && !window.isFull()) {
      if (rows.next()) {
        List<@Nullable Object> read = new ArrayList<>();
        for (int i = 0; i < columns; i++) {
          read.add(rows.value(i));
        }
        window.add(new Held(read, rows.location()));
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

  private Held current() {
    if (row == null) {
      throw new IllegalStateException("there is no current row");
    }
    return row;
  }

  @Override
  public @Nullable Object value(int column) {
    return current().values().get(column);
  }

  @Override
  public String location() {
    return current().location();
  }

  @Override
  public void save(DataOutput out) throws IOException {
    out.writeLong(window.state());
    out.writeInt(window.items().size());
    for (Held held : window.items()) {
      out.writeUTF(held.location());
      for (Object value : held.values()) {
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
      String location = in.readUTF();
      List<@Nullable Object> values = new ArrayList<>();
      for (int column = 0; column < columns; column++) {
        values.add(Values.read(in));
      }
      window.add(new Held(values, location));
    }
    rows.restore(in);
  }

  @Override
  public void close() {
    rows.close();
  }
}
