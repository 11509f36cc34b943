package io.github.ggml4j.trainer.data.internal.rows;

import io.github.ggml4j.trainer.error.DatasetException;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** An input of rows that can be opened: a file, an archive, a stream or another dataset. */
public interface RowInput {

  /** The name for messages. */
  String name();

  /** Identifies the input and its format in saved positions. */
  String identity();

  /** The file formats of the rows: one for a file, several for an archive, none for a stream. */
  Set<FileFormat> formats();

  /**
   * Opens a reader.
   *
   * @param columns the requested columns, in the order of their indices
   * @throws DatasetException if the input cannot be opened or lacks a column
   */
  RowReader open(List<String> columns, ReadOptions options);

  /**
   * The columns and the types of their values, in the input's order. The types of CSV and JSON
   * columns are determined from the first rows.
   *
   * @throws DatasetException if the input cannot be read
   */
  Map<String, String> columns(ReadOptions options);
}
