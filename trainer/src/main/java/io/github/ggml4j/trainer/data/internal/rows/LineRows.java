package io.github.ggml4j.trainer.data.internal.rows;

import io.github.ggml4j.trainer.data.internal.files.LineReader;
import java.io.InputStream;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Reads each line of a text file as a row with the column {@code text}. */
final class LineRows implements RowReader {

  private final LineReader lines;
  private @Nullable String line;

  LineRows(String name, InputStream in, List<String> columns, ReadOptions options) {
    Columns.checkOnlyText(name, columns);
    this.lines = new LineReader(name, in, options.maxDocumentBytes(), options.replaceMalformed());
  }

  @Override
  public boolean next() {
    line = lines.next();
    return line != null;
  }

  @Override
  public @Nullable Object value(int column) {
    return line;
  }

  @Override
  public String location() {
    return lines.location();
  }

  @Override
  public void close() {
    lines.close();
  }
}
