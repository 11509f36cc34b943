package io.github.ggml4j.trainer.data.internal.rows;

import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Documents of a stream. Each is a row with the column {@code text}.
 *
 * @param name for messages and saved positions
 * @param documents opens a new stream with the same documents at each call
 */
public record StreamInput(String name, Supplier<Stream<String>> documents) implements RowInput {

  @Override
  public String identity() {
    return "stream " + name;
  }

  @Override
  public Set<FileFormat> formats() {
    return Set.of();
  }

  @Override
  public RowReader open(List<String> columns, ReadOptions options) {
    Columns.checkOnlyText(name, columns);
    return new Rows(name, documents.get());
  }

  @Override
  public Map<String, String> columns(ReadOptions options) {
    return Map.of(FileFormat.TEXT_COLUMN, ColumnTypes.TEXT);
  }

  private static final class Rows implements RowReader {
    private final String name;
    private final Stream<String> stream;
    private final Iterator<String> documents;
    private long row;
    private @Nullable String document;

    Rows(String name, Stream<String> stream) {
      this.name = name;
      this.stream = stream;
      this.documents = stream.iterator();
    }

    @Override
    public boolean next() {
      boolean found = documents.hasNext();
      document = found ? documents.next() : null;
      row++;
      return found;
    }

    @Override
    public @Nullable Object value(int column) {
      return document;
    }

    @Override
    public String location() {
      return name + ", document " + row;
    }

    @Override
    public void close() {
      stream.close();
    }
  }
}
