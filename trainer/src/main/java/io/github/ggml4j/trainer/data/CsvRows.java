package io.github.ggml4j.trainer.data;

import de.siegmar.fastcsv.reader.CloseableIterator;
import de.siegmar.fastcsv.reader.CsvParseException;
import de.siegmar.fastcsv.reader.CsvReader;
import de.siegmar.fastcsv.reader.CsvRecord;
import de.siegmar.fastcsv.reader.CsvRecordHandler;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Records of a CSV file (RFC 4180) as rows; the first record names the columns. */
final class CsvRows implements RowReader {

  private final String name;
  private final CloseableIterator<CsvRecord> records;
  private final List<String> header;
  private final int[] fields;
  private @Nullable CsvRecord record;
  private long line = 1;

  CsvRows(String name, InputStream in, char separator, List<String> columns, ReadOptions options) {
    this.name = name;
    int longest = options.maxDocumentBytes();
    this.records =
        CsvReader.builder()
            .fieldSeparator(separator)
            .allowExtraCharsAfterClosingQuote(false)
            .maxBufferSize(longest)
            .build(
                CsvRecordHandler.builder().maxFieldSize(longest).maxRecordSize(longest).build(),
                Utf8Reader.open(name, in, options.replaceMalformed()))
            .iterator();
    CsvRecord first = read();
    this.header = first == null ? List.of() : first.getFields();
    this.fields = columns.stream().mapToInt(this::field).toArray();
  }

  /** The header; every value of a CSV file is text. */
  static Map<String, String> columns(
      String name, InputStream in, char separator, ReadOptions options) {
    try (CsvRows rows = new CsvRows(name, in, separator, List.of(), options)) {
      Map<String, String> columns = new LinkedHashMap<>();
      rows.header.forEach(column -> columns.put(column, "text"));
      return columns;
    }
  }

  private int field(String column) {
    int index = header.indexOf(column);
    if (index < 0) {
      throw Columns.missing(name, column, header);
    }
    if (header.lastIndexOf(column) != index) {
      throw new DatasetException(name + " has more than one column \"" + column + "\"");
    }
    return index;
  }

  private @Nullable CsvRecord read() {
    try {
      if (!records.hasNext()) {
        return null;
      }
      CsvRecord next = records.next();
      line = next.getStartingLineNumber();
      return next;
    } catch (UncheckedIOException e) {
      throw Utf8Reader.unreadable(name + ", after line " + line, e);
    } catch (CsvParseException e) {
      Throwable cause = e.getCause() == null ? e : e.getCause();
      if (cause instanceof IOException) {
        throw Utf8Reader.unreadable(name + ", after line " + line, cause);
      }
      throw new DatasetException(
          name + ", after line " + line + ": bad CSV: " + cause.getMessage(), e);
    }
  }

  @Override
  public boolean next() {
    record = read();
    return record != null;
  }

  /** An empty field is no value. */
  @Override
  public @Nullable Object value(int column) {
    String value = record == null ? "" : record.getField(fields[column]);
    return value.isEmpty() ? null : value;
  }

  @Override
  public String place() {
    return name + ", line " + line;
  }

  @Override
  public void close() {
    try {
      records.close();
    } catch (IOException e) {
      throw InputFiles.unreadable(name, e);
    }
  }
}
