package io.github.ggml4j.trainer.data;

import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** What is done with the rows of a table, in the order in which it was asked for. */
sealed interface RowStep {

  /** The pass with this done to it. */
  RowPass apply(RowPass rows, List<String> columns);

  /** Only rows whose value passes a test. */
  record Where(String column, String condition, Predicate<@Nullable Object> test)
      implements RowStep {
    @Override
    public RowPass apply(RowPass rows, List<String> columns) {
      return new FilteredPass(rows, columns.indexOf(column), test);
    }

    @Override
    public String toString() {
      return "where " + column + condition;
    }
  }

  /** In an order drawn from a moving window. */
  record Shuffle(int buffer, long seed) implements RowStep {
    @Override
    public RowPass apply(RowPass rows, List<String> columns) {
      return new ShuffledPass(rows, columns.size(), buffer, seed);
    }
  }

  /** Without the first ones. */
  record Skip(long count) implements RowStep {
    @Override
    public RowPass apply(RowPass rows, List<String> columns) {
      return new CountedPass(rows, row -> row >= count, Long.MAX_VALUE);
    }
  }

  /** Only the first ones. */
  record Take(long count) implements RowStep {
    @Override
    public RowPass apply(RowPass rows, List<String> columns) {
      return new CountedPass(rows, row -> true, count);
    }
  }

  /** Each row whose number leaves this remainder. */
  record Shard(int count, int index) implements RowStep {
    @Override
    public RowPass apply(RowPass rows, List<String> columns) {
      return new CountedPass(rows, row -> row % count == index, Long.MAX_VALUE);
    }
  }
}
