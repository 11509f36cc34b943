package io.github.ggml4j.trainer.data.internal.rows;

import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** Rows whose text, which is column 0, is changed. Values that are not text stay as they are. */
final class ChangedText extends DerivedRows {

  private final UnaryOperator<String> change;
  private @Nullable Object text;

  /**
   * Changed rows.
   *
   * @param change returns the new text; called once for each row
   */
  ChangedText(ResumableRows rows, UnaryOperator<String> change) {
    super(rows);
    this.change = change;
  }

  @Override
  public boolean next() {
    boolean found = rows.next();
    Object read = found ? rows.value(0) : null;
    text = read instanceof String before ? change.apply(before) : read;
    return found;
  }

  @Override
  public @Nullable Object value(int column) {
    return column == 0 ? text : rows.value(column);
  }
}
