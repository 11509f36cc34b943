package io.github.ggml4j.trainer.data.internal.rows;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The rows of several files in sequence. Each file is opened when the previous one ends. */
public final class FilesRows implements ResumableRows {

  private final List<RowFile> files;
  private final List<String> columns;
  private final ReadOptions options;
  private long toSkip;
  private int file;
  private long rowsOfFile;
  private @Nullable RowReader reader;

  /**
   * A reader before the first row.
   *
   * @param columns the requested columns
   * @param skip number of rows to skip; they are skipped on the first read, not here
   */
  public FilesRows(List<RowFile> files, List<String> columns, ReadOptions options, long skip) {
    this.files = files;
    this.columns = columns;
    this.options = options;
    this.toSkip = skip;
  }

  @Override
  public boolean next() {
    while (file < files.size()) {
      RowReader open = reader == null ? openNext() : reader;
      if (toSkip == 0 && open.next()) {
        rowsOfFile++;
        return true;
      }
      nextFile();
    }
    return false;
  }

  /** Opens the current file and skips rows. {@code toSkip} is then the rows left to skip. */
  private RowReader openNext() {
    RowReader open = files.get(file).open(columns, options);
    reader = open;
    long wanted = rowsOfFile + toSkip;
    rowsOfFile = open.skip(wanted);
    toSkip = wanted - rowsOfFile;
    return open;
  }

  @Override
  public long skip(long rows) {
    long skipped = 0;
    while (skipped < rows && file < files.size()) {
      RowReader open = reader == null ? openNext() : reader;
      long ofFile = toSkip == 0 ? open.skip(rows - skipped) : 0;
      rowsOfFile += ofFile;
      skipped += ofFile;
      if (skipped < rows) {
        nextFile();
      }
    }
    return skipped;
  }

  private void nextFile() {
    close();
    file++;
    rowsOfFile = 0;
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
    out.writeInt(file);
    out.writeLong(rowsOfFile);
    out.writeLong(toSkip);
  }

  @Override
  public void restore(DataInput in) throws IOException {
    file = in.readInt();
    rowsOfFile = in.readLong();
    toSkip = in.readLong();
    if (file < 0 || file > files.size() || rowsOfFile < 0 || toSkip < 0) {
      throw new IOException("row " + rowsOfFile + " of file " + file + " of " + files.size());
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
