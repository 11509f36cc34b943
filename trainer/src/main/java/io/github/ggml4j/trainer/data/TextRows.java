package io.github.ggml4j.trainer.data;

import java.io.InputStream;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Each line of a text file a row with the one column {@code text}. */
final class TextRows implements RowReader {

  static final String COLUMN = "text";

  private final LineReader lines;
  private @Nullable String line;

  TextRows(String name, InputStream in, List<String> columns, ReadOptions options) {
    for (String column : columns) {
      if (!column.equals(COLUMN)) {
        throw new DatasetException(
            name + " is a text file, its one column is \"text\"; there is no \"" + column + "\"");
      }
    }
    this.lines = new LineReader(name, in, options);
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
  public String place() {
    return lines.place();
  }

  @Override
  public void close() {
    lines.close();
  }
}
