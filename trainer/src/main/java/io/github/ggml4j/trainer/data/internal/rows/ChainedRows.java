package io.github.ggml4j.trainer.data.internal.rows;

import io.github.ggml4j.trainer.error.DatasetException;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The rows of several inputs in sequence. Each input is opened when the previous one ends.
 *
 * <p>A saved position has the index of the input, the number of its rows, and the reader's own
 * position if it has one. If not, the rows before the position are skipped.
 */
public final class ChainedRows implements ResumableRows {

  private final List<RowInput> inputs;
  private final List<String> columns;
  private final ReadOptions options;
  private long toSkip;
  private int input;
  private long rowsOfInput;
  private @Nullable RowReader reader;

  /**
   * A reader before the first row.
   *
   * @param columns the requested columns
   * @param skip number of rows to skip; they are skipped on the first read, not here
   */
  public ChainedRows(List<RowInput> inputs, List<String> columns, ReadOptions options, long skip) {
    this.inputs = inputs;
    this.columns = columns;
    this.options = options;
    this.toSkip = skip;
  }

  @Override
  public boolean next() {
    while (input < inputs.size()) {
      RowReader open = reader == null ? openNext() : reader;
      if (toSkip == 0 && open.next()) {
        rowsOfInput++;
        return true;
      }
      nextInput();
    }
    return false;
  }

  /**
   * Opens the current input and skips the rows before the position, then rows of {@code toSkip},
   * which is decreased.
   */
  private RowReader openNext() {
    RowReader open = inputs.get(input).open(columns, options);
    reader = open;
    long before = rowsOfInput == 0 ? 0 : open.skip(rowsOfInput);
    if (before < rowsOfInput) {
      throw new DatasetException(
          "The position is after row "
              + rowsOfInput
              + " of "
              + inputs.get(input).name()
              + ", which has only "
              + before
              + " rows now");
    }
    long skipped = toSkip == 0 ? 0 : open.skip(toSkip);
    rowsOfInput += skipped;
    toSkip -= skipped;
    return open;
  }

  @Override
  public long skip(long rows) {
    long skipped = 0;
    while (skipped < rows && input < inputs.size()) {
      RowReader open = reader == null ? openNext() : reader;
      long ofInput = toSkip == 0 ? open.skip(rows - skipped) : 0;
      rowsOfInput += ofInput;
      skipped += ofInput;
      if (skipped < rows) {
        nextInput();
      }
    }
    return skipped;
  }

  private void nextInput() {
    close();
    input++;
    rowsOfInput = 0;
  }

  private RowReader current() {
    if (reader == null) {
      throw new IllegalStateException("there is no current row");
    }
    return reader;
  }

  @Override
  public @Nullable Object value(int column) {
    return current().value(column);
  }

  @Override
  public String location() {
    return current().location();
  }

  @Override
  public void save(DataOutput out) throws IOException {
    out.writeInt(input);
    out.writeBoolean(reader instanceof ResumableRows);
    out.writeLong(rowsOfInput);
    out.writeLong(toSkip);
    if (reader instanceof ResumableRows resumable) {
      resumable.save(out);
    }
  }

  @Override
  public void restore(DataInput in) throws IOException {
    input = in.readInt();
    boolean hasPosition = in.readBoolean();
    rowsOfInput = in.readLong();
    toSkip = in.readLong();
    int last = hasPosition ? inputs.size() - 1 : inputs.size();
    if (input < 0 || input > last || rowsOfInput < 0 || toSkip < 0) {
      throw new IOException("row " + rowsOfInput + " of input " + input + " of " + inputs.size());
    }
    if (hasPosition) {
      RowReader open = inputs.get(input).open(columns, options);
      reader = open;
      if (!(open instanceof ResumableRows resumable)) {
        throw new IOException(inputs.get(input).name() + " has no positions of its own");
      }
      resumable.restore(in);
    }
  }

  @Override
  public void close() {
    RowReader open = reader;
    reader = null;
    if (open != null) {
      open.close();
    }
  }
}
