package io.github.ggml4j.trainer.data.internal.rows;

import java.util.List;
import java.util.function.LongPredicate;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Selects, changes or reorders rows. Steps are applied in the order of the calls. {@code toString}
 * identifies a step in saved positions.
 */
public sealed interface RowStep {

  /**
   * The rows after this step.
   *
   * @param columns the columns of the rows
   */
  ResumableRows apply(ResumableRows rows, List<String> columns);

  /** The rows after several steps. */
  static ResumableRows applyAll(List<RowStep> steps, ResumableRows rows, List<String> columns) {
    ResumableRows result = rows;
    for (RowStep step : steps) {
      result = step.apply(result, columns);
    }
    return result;
  }

  /**
   * Keeps the rows whose value passes a test.
   *
   * @param condition describes the test in saved positions
   */
  record Where(String column, String condition, Predicate<@Nullable Object> test)
      implements RowStep {
    @Override
    public ResumableRows apply(ResumableRows rows, List<String> columns) {
      int index = columns.indexOf(column);
      return new SelectedRows(rows, _ -> test.test(rows.value(index)), Long.MAX_VALUE);
    }

    @Override
    public String toString() {
      return "where " + column + condition;
    }
  }

  /** Keeps the rows whose text, which is column 0, passes a test. Keeps rows without text. */
  record Filter(Predicate<? super String> test) implements RowStep {
    @Override
    public ResumableRows apply(ResumableRows rows, List<String> columns) {
      LongPredicate keep = _ -> !(rows.value(0) instanceof String text) || test.test(text);
      return new SelectedRows(rows, keep, Long.MAX_VALUE);
    }

    @Override
    public String toString() {
      return "filter";
    }
  }

  /** Changes the text, which is column 0. */
  record Change(UnaryOperator<String> change) implements RowStep {
    @Override
    public ResumableRows apply(ResumableRows rows, List<String> columns) {
      return new ChangedText(rows, change);
    }

    @Override
    public String toString() {
      return "map";
    }
  }

  /** Reads the rows in random order within a window. */
  record Shuffle(int buffer, long seed) implements RowStep {
    @Override
    public ResumableRows apply(ResumableRows rows, List<String> columns) {
      return new ShuffledRows(rows, columns.size(), buffer, seed);
    }
  }

  /** Skips the first rows. */
  record Skip(long count) implements RowStep {
    @Override
    public ResumableRows apply(ResumableRows rows, List<String> columns) {
      return new SelectedRows(rows, index -> index >= count, Long.MAX_VALUE);
    }
  }

  /** Keeps only the first rows. */
  record Take(long count) implements RowStep {
    @Override
    public ResumableRows apply(ResumableRows rows, List<String> columns) {
      return new SelectedRows(rows, _ -> true, count);
    }
  }

  /** Keeps every {@code count}-th row, starting with row {@code index}. */
  record Shard(int count, int index) implements RowStep {
    @Override
    public ResumableRows apply(ResumableRows rows, List<String> columns) {
      LongPredicate ofShard = row -> row % count == index;
      return new SelectedRows(rows, ofShard, Long.MAX_VALUE);
    }
  }
}
