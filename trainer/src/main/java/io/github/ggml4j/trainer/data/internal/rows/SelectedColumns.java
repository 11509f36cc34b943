package io.github.ggml4j.trainer.data.internal.rows;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** Rows with other columns: some columns of the original rows, in another order. */
public final class SelectedColumns extends DerivedRows {

  private final List<Integer> indices;

  /**
   * Rows with other columns.
   *
   * @param indices for each column, its index in {@code rows}
   */
  public SelectedColumns(ResumableRows rows, List<Integer> indices) {
    super(rows);
    this.indices = List.copyOf(indices);
  }

  @Override
  public @Nullable Object value(int column) {
    return rows.value(indices.get(column));
  }

  @Override
  public long skip(long count) {
    return rows.skip(count);
  }
}
