package io.github.ggml4j.trainer.data;

import java.util.Collection;
import java.util.stream.Collectors;

/** Messages about columns. */
final class Columns {

  private static final int NAMED = 30;

  private Columns() {}

  static DatasetException missing(String where, String column, Collection<String> existing) {
    return new DatasetException(
        where + " has no column \"" + column + "\"; its columns are " + names(existing));
  }

  static String names(Collection<String> columns) {
    String first = columns.stream().limit(NAMED).collect(Collectors.joining(", "));
    return columns.size() <= NAMED ? first : first + " and " + (columns.size() - NAMED) + " more";
  }
}
