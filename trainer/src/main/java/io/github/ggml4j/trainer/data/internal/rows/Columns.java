package io.github.ggml4j.trainer.data.internal.rows;

import io.github.ggml4j.trainer.error.DatasetException;
import java.util.Collection;
import java.util.List;
import java.util.stream.Collectors;

/** Builds messages about columns. */
public final class Columns {

  private static final int MAX_NAMES = 30;

  private Columns() {}

  /** Checks the requested columns of a file whose only column is the text. */
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

  /** The first 30 names separated by commas, and the number of the others. */
  public static String names(Collection<String> names) {
    String first = names.stream().limit(MAX_NAMES).collect(Collectors.joining(", "));
    return names.size() <= MAX_NAMES
        ? first
        : first + " and " + (names.size() - MAX_NAMES) + " more";
  }
}
