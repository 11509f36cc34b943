package io.github.ggml4j.trainer.data;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Rows in an order drawn from a window that moves over them. Its position holds the rows of the
 * window themselves: to read them again, much of what was read before would be needed.
 */
final class ShuffledPass implements RowPass {

  private final RowPass rows;
  private final int columns;
  private final int capacity;
  private final List<@Nullable Object[]> window = new ArrayList<>();
  private long random;
  private boolean ended;
  private @Nullable Object @Nullable [] row;

  ShuffledPass(RowPass rows, int columns, int capacity, long seed) {
    this.rows = rows;
    this.columns = columns;
    this.capacity = capacity;
    this.random = seed;
  }

  @Override
  public boolean next() {
    while (!ended && window.size() < capacity) {
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
    int chosen = (int) Math.unsignedMultiplyHigh(nextRandom(), window.size());
    row = window.get(chosen);
    @Nullable Object[] last = window.remove(window.size() - 1);
    if (chosen < window.size()) {
      window.set(chosen, last);
    }
    return true;
  }

  /**
   * SplitMix64, whose whole state is one number (Steele, Lea, Flood: Fast splittable pseudorandom
   * number generators).
   */
  private long nextRandom() {
    random += 0x9E3779B97F4A7C15L;
    long z = (random ^ (random >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
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
    out.writeLong(random);
    out.writeInt(window.size());
    for (@Nullable Object[] held : window) {
      for (Object value : held) {
        Values.write(out, value);
      }
    }
    rows.save(out);
  }

  @Override
  public void restore(DataInput in) throws IOException {
    random = in.readLong();
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
