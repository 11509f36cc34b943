package io.github.ggml4j.trainer.data;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The rows of several files, one file after the other. */
final class FilesPass implements RowPass {

  private final List<RowFile> files;
  private final TableFormat format;
  private final List<String> columns;
  private final ReadOptions options;
  private long toSkip;
  private int file;
  private long rowsOfFile;
  private @Nullable RowReader reader;

  /**
   * @param skip rows to pass over first
   */
  FilesPass(
      List<RowFile> files,
      TableFormat format,
      List<String> columns,
      ReadOptions options,
      long skip) {
    this.files = files;
    this.format = format;
    this.columns = columns;
    this.options = options;
    this.toSkip = skip;
  }

  @Override
  public boolean next() {
    while (file < files.size()) {
      RowReader open = reader;
      if (open == null) {
        open = format.open(files.get(file), columns, options);
        reader = open;
        long wanted = rowsOfFile + toSkip;
        rowsOfFile = open.skip(wanted);
        toSkip = wanted - rowsOfFile;
      }
      if (open.next()) {
        rowsOfFile++;
        return true;
      }
      close();
      file++;
      rowsOfFile = 0;
    }
    return false;
  }

  @Override
  public @Nullable Object value(int column) {
    if (reader == null) {
      throw new IllegalStateException("there is no row");
    }
    return reader.value(column);
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
