package io.github.ggml4j.trainer.data.internal.rows;

import io.github.ggml4j.trainer.error.DatasetException;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** A file of rows that can be opened. */
public interface RowFile {

  /** The name for messages. */
  String name();

  /** Identifies the file and its format in saved positions. */
  String identity();

  /** The formats of the rows: one, except for archives. */
  Set<FileFormat> formats();

  /**
   * Opens a reader.
   *
   * @param columns the requested columns, in the order of their indices
   * @throws DatasetException if the file cannot be opened or lacks a column
   */
  RowReader open(List<String> columns, ReadOptions options);

  /**
   * The columns and the types of their values, in the file's order. The types of CSV and JSON
   * columns are determined from the first rows.
   *
   * @throws DatasetException if the file cannot be read
   */
  Map<String, String> columns(ReadOptions options);
}
