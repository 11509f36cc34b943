package io.github.ggml4j.trainer.data.internal.rows;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The types of columns that have none in the file, found out from the values of the first rows. */
final class ColumnTypes {

  /** Values that are text, or of several types one of which is text. */
  static final String TEXT = "text";

  /** No row has a value. */
  static final String NULL = "null";

  static final String NUMBER = "number";
  static final String BOOLEAN = "boolean";
  static final String MIXED = "mixed";

  /** Rows that are looked at. */
  static final int SAMPLE_ROWS = 1000;

  /** Characters after which no more rows are looked at. */
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

  /** Adds characters that were read to the size of the sample. */
  void addChars(long count) {
    chars += count;
  }

  /** Adds the type of a text that may be a number or a boolean, as in CSV files. */
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

  /** Counts a row; false if the sample is large enough. */
  boolean nextRow() {
    return ++rows < SAMPLE_ROWS && chars < SAMPLE_CHARS;
  }

  Map<String, String> types() {
    return types;
  }
}
