package io.github.ggml4j.trainer.data.internal.rows;

import io.github.ggml4j.error.InvalidArgumentException;
import io.github.ggml4j.trainer.data.internal.files.Compression;
import io.github.ggml4j.trainer.data.internal.files.DataFile;
import java.io.InputStream;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/** File formats, with the names that Hugging Face's load_dataset uses. */
public enum FileFormat {
  PARQUET("parquet", List.of("parquet")),
  JSON("json", List.of("jsonl", "json", "ndjson")),
  CSV("csv", List.of("csv")),
  TSV("tsv", List.of("tsv")),
  /** Each line is a row. */
  TEXT("text", List.of("txt", "text")),
  /** The whole file is one row. Not a format of load_dataset. */
  DOCUMENT("document", List.of());

  /** The only column of text files and documents. */
  public static final String TEXT_COLUMN = "text";

  private static final List<FileFormat> NAMED = List.of(PARQUET, JSON, CSV, TSV, TEXT);

  private final String id;
  private final List<String> extensions;

  FileFormat(String id, List<String> extensions) {
    this.id = id;
    this.extensions = extensions;
  }

  /**
   * The format with this name.
   *
   * @throws InvalidArgumentException if there is none
   */
  public static FileFormat named(String name) {
    for (FileFormat format : NAMED) {
      if (format.id.equals(name)) {
        return format;
      }
    }
    throw new InvalidArgumentException(
        "format",
        name,
        "one of " + NAMED.stream().map(format -> format.id).collect(Collectors.joining(", ")));
  }

  /** The format of a file, by its name's ending; empty if no format has this ending. */
  public static Optional<FileFormat> ofName(String name) {
    String plain = Compression.withoutEnding(name.toLowerCase(Locale.ROOT));
    String extension = plain.substring(plain.lastIndexOf('.') + 1);
    return Arrays.stream(values())
        .filter(format -> format.extensions.contains(extension))
        .findFirst();
  }

  /** Name of the format. */
  public String id() {
    return id;
  }

  /** Whether the format has fields separated by a delimiter. */
  public boolean isDelimited() {
    return this == CSV || this == TSV;
  }

  /** Whether broken records of a file of this format can be skipped. */
  public boolean hasRecords() {
    return this == JSON || isDelimited();
  }

  /** Whether a file of this format is a table, not text. */
  public boolean isTable() {
    return this == PARQUET || hasRecords();
  }

  /** A file of this format. */
  public RowInput file(DataFile file) {
    return new Formatted(this, file);
  }

  private record Formatted(FileFormat format, DataFile file) implements RowInput {
    @Override
    public String name() {
      return file.name();
    }

    @Override
    public Set<FileFormat> formats() {
      return Set.of(format);
    }

    @Override
    public String identity() {
      return format.id + " " + file.identity();
    }

    @Override
    public RowReader open(List<String> columns, ReadOptions options) {
      if (format == PARQUET) {
        return new ParquetRows(file.open(), columns, options);
      }
      InputStream in = file.stream();
      return Closing.onFailure(in, () -> open(in, columns, options));
    }

    private RowReader open(InputStream in, List<String> columns, ReadOptions options) {
      String name = file.name();
      return switch (format) {
        case JSON -> new JsonRows(name, in, columns, options);
        case CSV -> new CsvRows(name, in, ',', columns, options);
        case TSV -> new CsvRows(name, in, '\t', columns, options);
        case TEXT -> new LineRows(name, in, columns, options);
        case DOCUMENT -> new DocumentRows(name, in, columns, options);
        case PARQUET -> throw new IllegalStateException(name + " is not read as a stream");
      };
    }

    @Override
    public Map<String, String> columns(ReadOptions options) {
      return switch (format) {
        case PARQUET -> ParquetRows.columns(file.open());
        case JSON -> JsonRows.columns(file.name(), file.stream(), options);
        case CSV -> CsvRows.columns(file.name(), file.stream(), ',', options);
        case TSV -> CsvRows.columns(file.name(), file.stream(), '\t', options);
        case TEXT, DOCUMENT -> Map.of(TEXT_COLUMN, ColumnTypes.TEXT);
      };
    }
  }
}
