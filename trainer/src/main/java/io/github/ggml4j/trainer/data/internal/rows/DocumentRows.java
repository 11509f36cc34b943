package io.github.ggml4j.trainer.data.internal.rows;

import io.github.ggml4j.trainer.data.internal.files.InputFiles;
import io.github.ggml4j.trainer.data.internal.files.Utf8;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Reads a whole file as one row with the column {@code text}. */
final class DocumentRows implements RowReader {

  private final String name;
  private final InputStream in;
  private final ReadOptions options;
  private boolean ended;
  private @Nullable String text;

  DocumentRows(String name, InputStream in, List<String> columns, ReadOptions options) {
    Columns.checkOnlyText(name, columns);
    this.name = name;
    this.in = in;
    this.options = options;
  }

  @Override
  public boolean next() {
    if (ended) {
      text = null;
      return false;
    }
    ended = true;
    byte[] bytes = InputFiles.readAll(in, options.maxDocumentBytes(), name);
    text = Utf8.decode(bytes, options.replaceMalformed(), name, 1, 0);
    return true;
  }

  @Override
  public @Nullable Object value(int column) {
    return text;
  }

  @Override
  public String location() {
    return name;
  }

  /** Skips the row without reading the file. */
  @Override
  public long skip(long rows) {
    long skipped = ended || rows == 0 ? 0 : 1;
    ended |= skipped > 0;
    return skipped;
  }

  @Override
  public void close() {
    try {
      in.close();
    } catch (IOException e) {
      throw InputFiles.unreadable(name, e);
    }
  }
}
