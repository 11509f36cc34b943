package io.github.ggml4j.trainer.data.internal.rows;

import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** The files of a dataset, in the order in which they are read. */
public final class RowSource {
  private final List<RowFile> files;

  /** Cached, because determining the columns opens the first file, which may be remote. */
  private final Map<ReadOptions, Map<String, String>> columns = new ConcurrentHashMap<>();

  /**
   * A source.
   *
   * @param files at least one
   */
  public RowSource(List<RowFile> files) {
    this.files = List.copyOf(files);
  }

  /** The files. */
  public List<RowFile> files() {
    return files;
  }

  /** The columns and types of the first file that has any. */
  public Map<String, String> columns(ReadOptions options) {
    return columns.computeIfAbsent(options, this::firstColumns);
  }

  private Map<String, String> firstColumns(ReadOptions options) {
    for (RowFile file : files) {
      Map<String, String> found = file.columns(options);
      if (!found.isEmpty()) {
        return found;
      }
    }
    return Map.of();
  }
}
