package io.github.ggml4j.trainer.data;

import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/** The file formats of tables, by the names that Hugging Face's load_dataset has for them. */
enum TableFormat {
  PARQUET("parquet", List.of("parquet")),
  JSON("json", List.of("jsonl", "json", "ndjson")),
  CSV("csv", List.of("csv")),
  TSV("tsv", List.of("tsv")),
  TEXT("text", List.of("txt", "text"));

  private final String id;
  private final List<String> extensions;

  TableFormat(String id, List<String> extensions) {
    this.id = id;
    this.extensions = extensions;
  }

  /** The format of this name. */
  static TableFormat named(String name) {
    for (TableFormat format : values()) {
      if (format.id.equals(name)) {
        return format;
      }
    }
    throw new IllegalArgumentException(
        "Unknown format \""
            + name
            + "\"; expected one of "
            + Arrays.stream(values()).map(format -> format.id).collect(Collectors.joining(", ")));
  }

  /** The format that a file name tells by its ending, that of its compression aside. */
  static Optional<TableFormat> ofName(String name) {
    String plain = withoutCompression(name.toLowerCase(Locale.ROOT));
    String extension = plain.substring(plain.lastIndexOf('.') + 1);
    return Arrays.stream(values())
        .filter(format -> format.extensions.contains(extension))
        .findFirst();
  }

  /** The name without .gz or .zst. */
  static String withoutCompression(String name) {
    for (String ending : List.of(".gz", ".zst")) {
      if (name.endsWith(ending)) {
        return name.substring(0, name.length() - ending.length());
      }
    }
    return name;
  }

  /** Name of the format. */
  String id() {
    return id;
  }

  /**
   * Starts a pass over a file.
   *
   * @param columns those that will be asked for, in the order of their indices
   */
  RowReader open(RowFile file, List<String> columns, ReadOptions options) {
    return opening(
        file,
        access ->
            switch (this) {
              case PARQUET -> new ParquetRows(access, columns, options);
              case JSON -> new JsonRows(access.name(), stream(access), columns, options);
              case CSV -> new CsvRows(access.name(), stream(access), ',', columns, options);
              case TSV -> new CsvRows(access.name(), stream(access), '\t', columns, options);
              case TEXT -> new TextRows(access.name(), stream(access), columns, options);
            });
  }

  /** The columns of a file and the types of their values, in the file's order. */
  Map<String, String> columns(RowFile file, ReadOptions options) {
    try (OpenFile access = file.open()) {
      return switch (this) {
        case PARQUET -> ParquetRows.columns(access);
        case JSON -> JsonRows.columns(access.name(), stream(access), options);
        case CSV -> CsvRows.columns(access.name(), stream(access), ',', options);
        case TSV -> CsvRows.columns(access.name(), stream(access), '\t', options);
        case TEXT -> Map.of(TextRows.COLUMN, "text");
      };
    }
  }

  private interface Opener {
    RowReader open(OpenFile access);
  }

  private static RowReader opening(RowFile file, Opener opener) {
    OpenFile access = file.open();
    try {
      return opener.open(access);
    } catch (RuntimeException | Error e) {
      access.close();
      throw e;
    }
  }

  /** The content as a stream, decompressed where the name says so. */
  private static InputStream stream(OpenFile access) {
    try {
      return InputFiles.decompressed(new SequentialInput(access), access.name(), access.size());
    } catch (IOException e) {
      throw InputFiles.unreadable(access.name(), e);
    }
  }
}
