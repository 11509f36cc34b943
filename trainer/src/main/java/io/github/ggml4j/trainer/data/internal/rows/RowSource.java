package io.github.ggml4j.trainer.data.internal.rows;

import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** The inputs of a dataset, in the order in which they are read. */
public final class RowSource {
  private final List<RowInput> inputs;

  /** Cached, because determining the columns opens the first input, which may be remote. */
  private final Map<ReadOptions, Map<String, String>> columns = new ConcurrentHashMap<>();

  /**
   * A source.
   *
   * @param inputs at least one
   */
  public RowSource(List<RowInput> inputs) {
    this.inputs = List.copyOf(inputs);
  }

  /** The inputs. */
  public List<RowInput> inputs() {
    return inputs;
  }

  /** The columns and types of the first input that has any. */
  public Map<String, String> columns(ReadOptions options) {
    return columns.computeIfAbsent(options, this::firstColumns);
  }

  private Map<String, String> firstColumns(ReadOptions options) {
    for (RowInput input : inputs) {
      Map<String, String> found = input.columns(options);
      if (!found.isEmpty()) {
        return found;
      }
    }
    return Map.of();
  }
}
