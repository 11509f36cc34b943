package io.github.ggml4j.trainer.data.internal.rows;

import io.github.ggml4j.trainer.data.internal.files.InputFiles;
import io.github.ggml4j.trainer.data.internal.files.Utf8;
import io.github.ggml4j.trainer.data.internal.rows.CsvParser.BrokenRecordException;
import io.github.ggml4j.trainer.error.DatasetException;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Reads records of a CSV file as rows, like pandas.read_csv, which Hugging Face's datasets uses.
 * The first record contains the column names. A record may have fewer fields than the header; the
 * missing fields have no value. A record with more fields is broken. This includes the first row,
 * where pandas would use the first field as an index. All values are text.
 */
final class CsvRows implements RowReader {

  /** Texts that pandas reads as no value ({@code keep_default_na}). */
  private static final Set<String> NO_VALUE =
      Set.of(
          "",
          "#N/A",
          "#N/A N/A",
          "#NA",
          "-1.#IND",
          "-1.#QNAN",
          "-NaN",
          "-nan",
          "1.#IND",
          "1.#QNAN",
          "<NA>",
          "N/A",
          "NA",
          "NULL",
          "NaN",
          "None",
          "n/a",
          "nan",
          "null");

  private final String name;
  private final CsvParser parser;
  private final BadRecords bad;
  private final List<String> header;
  private final int[] fields;
  private List<String> record = List.of();

  CsvRows(String name, InputStream in, char delimiter, List<String> columns, ReadOptions options) {
    this(name, in, delimiter, columns, options, true);
  }

  private CsvRows(
      String name,
      InputStream in,
      char delimiter,
      List<String> columns,
      ReadOptions options,
      boolean logs) {
    this.name = name;
    this.bad = new BadRecords(name, options.skipBadRecords(), logs);
    this.parser =
        new CsvParser(
            Utf8.reader(name, in, options.replaceMalformed()),
            options.csvDelimiter() == null ? delimiter : options.csvDelimiter(),
            options.csvQuote(),
            options.maxDocumentBytes());
    List<String> first = read(Integer.MAX_VALUE);
    if (first == null) {
      throw new DatasetException(
          name + " is empty, expected a header with the names of the columns. Remove the file.");
    }
    this.header = named(first);
    this.fields = columns.stream().mapToInt(this::field).toArray();
  }

  /** The columns, with types determined from the first rows. */
  static Map<String, String> columns(
      String name, InputStream in, char delimiter, ReadOptions options) {
    try (CsvRows rows =
        Closing.onFailure(in, () -> new CsvRows(name, in, delimiter, List.of(), options, false))) {
      ColumnTypes types = new ColumnTypes();
      rows.header.forEach(column -> types.add(column, ColumnTypes.NULL));
      do {
        List<String> record = rows.read(rows.header.size());
        if (record == null) {
          break;
        }
        for (int i = 0; i < record.size(); i++) {
          types.addUntyped(rows.header.get(i), valueOf(record.get(i)));
        }
      } while (types.nextRow());
      return types.types();
    }
  }

  /**
   * Names the columns as pandas does: a column without a name after its index, the second column
   * {@code a} as {@code a.1}. Named columns come first, so that they keep their names.
   */
  private static List<String> named(List<String> header) {
    List<String> names = new ArrayList<>(header);
    List<Integer> order = new ArrayList<>();
    for (int i = 0; i < names.size(); i++) {
      if (!names.get(i).isEmpty()) {
        order.add(i);
      }
    }
    for (int i = 0; i < names.size(); i++) {
      if (names.get(i).isEmpty()) {
        names.set(i, "Unnamed: " + i);
        order.add(i);
      }
    }
    Map<String, Integer> counts = new HashMap<>();
    for (int i : order) {
      String given = names.get(i);
      String name = given;
      int count = counts.getOrDefault(given, 0);
      while (count > 0) {
        counts.put(given, count + 1);
        name = given + "." + count;
        count = names.contains(name) ? count + 1 : counts.getOrDefault(name, 0);
      }
      names.set(i, name);
      counts.put(name, count + 1);
    }
    return names;
  }

  private int field(String column) {
    int index = header.indexOf(column);
    if (index < 0) {
      throw Columns.missing(name, column, header);
    }
    return index;
  }

  private @Nullable List<String> read(int mostFields) {
    while (true) {
      try {
        List<String> next = parser.next();
        if (next == null || next.size() <= mostFields) {
          return next;
        }
        bad.add(
            location(),
            "the record has "
                + next.size()
                + " fields, expected "
                + mostFields
                + " as in the header",
            "Quote fields that contain the delimiter, set another delimiter ({csvDelimiter})",
            null);
      } catch (BrokenRecordException e) {
        bad.add(location(), String.valueOf(e.getMessage()), e.remedy, e);
        skipLine();
      } catch (IOException e) {
        throw InputFiles.unreadable(location(), e);
      }
    }
  }

  private void skipLine() {
    try {
      parser.skipFirstLine();
    } catch (IOException e) {
      throw InputFiles.unreadable(location(), e);
    }
  }

  @Override
  public boolean next() {
    List<String> read = read(header.size());
    record = read == null ? List.of() : read;
    if (read == null) {
      bad.report();
    }
    return read != null;
  }

  @Override
  public @Nullable Object value(int column) {
    int field = fields[column];
    return field < record.size() ? valueOf(record.get(field)) : null;
  }

  private static @Nullable String valueOf(String field) {
    return NO_VALUE.contains(field) ? null : field;
  }

  @Override
  public String location() {
    return name + ", line " + parser.recordLine();
  }

  @Override
  public void close() {
    try {
      parser.close();
    } catch (IOException e) {
      throw InputFiles.unreadable(name, e);
    }
  }
}
