package io.github.ggml4j.trainer.data;

import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** The files of a table, in the order in which they are read. */
final class TableSource {
  private final TableFormat format;
  private final List<RowFile> files;

  /** So that not each pass opens the first file once more, which may be far away. */
  private final Map<ReadOptions, Map<String, String>> columns = new ConcurrentHashMap<>();

  /**
   * A table.
   *
   * @param format of all files
   * @param files at least one
   */
  TableSource(TableFormat format, List<RowFile> files) {
    this.format = format;
    this.files = files;
  }

  TableFormat format() {
    return format;
  }

  List<RowFile> files() {
    return files;
  }

  /** The columns of the first file and what they hold, read once. */
  Map<String, String> columns(ReadOptions options) {
    return columns.computeIfAbsent(options, chosen -> format.columns(files.get(0), chosen));
  }
}
