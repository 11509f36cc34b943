package io.github.ggml4j.trainer.data.internal.rows;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Determines the types of columns from the values of the first rows, for formats without types. */
final class ColumnTypes {

  /** All values are text, or some are. */
  static final String TEXT = "text";

  /** No row has a value. */
  static final String NULL = "null";

  static final String NUMBER = "number";
  static final String BOOLEAN = "boolean";
  static final String MIXED = "mixed";

  /** Maximum number of rows in the sample. */
  static final int SAMPLE_ROWS = 1000;

  /** Maximum number of characters in the sample. */
  static final int SAMPLE_CHARS = 1 << 20;

  private static final Pattern NUMERIC =
      Pattern.compile("\\s*[-+]?(\\d+\\.?\\d*|\\.\\d+)([eE][-+]?\\d+)?\\s*");

  private final Map<String, String> types = new LinkedHashMap<>();
  private long chars;
  private long rows;

  /** Adds a value's type to those of its column. */
  void add(String column, String type) {
    types.merge(column, type, ColumnTypes::merged);
  }

  /** Adds to the number of characters in the sample. */
  void addChars(long count) {
    chars += count;
  }

  /** Adds a text value that may spell a number or a boolean, as in CSV files. */
  void addUntyped(String column, @Nullable String value) {
    addChars(value == null ? 0 : value.length());
    add(column, type(value));
  }

  private static String type(@Nullable String value) {
    if (value == null) {
      return NULL;
    }
    if (value.equalsIgnoreCase("true") || value.equalsIgnoreCase("false")) {
      return BOOLEAN;
    }
    return NUMERIC.matcher(value).matches() ? NUMBER : TEXT;
  }

  private static String merged(String a, String b) {
    if (a.equals(b) || b.equals(NULL)) {
      return a;
    }
    if (a.equals(NULL)) {
      return b;
    }
    return a.equals(TEXT) || b.equals(TEXT) ? TEXT : MIXED;
  }

  /** Counts a row. Returns false if the sample is complete. */
  boolean nextRow() {
    return ++rows < SAMPLE_ROWS && chars < SAMPLE_CHARS;
  }

  Map<String, String> types() {
    return types;
  }
}
