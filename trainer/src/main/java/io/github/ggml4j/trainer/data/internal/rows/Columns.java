package io.github.ggml4j.trainer.data.internal.rows;

import io.github.ggml4j.trainer.error.DatasetException;
import java.util.Collection;
import java.util.List;
import java.util.stream.Collectors;

/** Messages about columns. */
public final class Columns {

  private static final int MOST_NAMED = 30;

  private Columns() {}

  /** Checks the columns that are requested of a file whose one column is the text. */
  static void checkOnlyText(String file, List<String> requested) {
    for (String column : requested) {
      if (!column.equals(FileFormat.TEXT_COLUMN)) {
        throw missing(file, column, List.of(FileFormat.TEXT_COLUMN));
      }
    }
  }

  static DatasetException missing(String file, String column, Collection<String> existing) {
    return new DatasetException(
        file + " has no column \"" + column + "\"; its columns are " + names(existing));
  }

  /** The names separated by commas; the number of those that are left out. */
  public static String names(Collection<String> names) {
    String first = names.stream().limit(MOST_NAMED).collect(Collectors.joining(", "));
    return names.size() <= MOST_NAMED
        ? first
        : first + " and " + (names.size() - MOST_NAMED) + " more";
  }
}
