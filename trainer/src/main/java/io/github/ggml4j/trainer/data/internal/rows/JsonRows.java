package io.github.ggml4j.trainer.data.internal.rows;

import io.github.ggml4j.trainer.data.internal.files.InputFiles;
import io.github.ggml4j.trainer.data.internal.files.LineReader;
import io.github.ggml4j.trainer.data.internal.files.Utf8;
import io.github.ggml4j.trainer.error.DatasetException;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.exc.JacksonIOException;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.core.json.JsonReadFeature;

/**
 * Reads JSON objects as rows: one after another, as in JSON lines, or in one array. Accepts the
 * numbers NaN, Infinity and -Infinity, which Python writes.
 */
final class JsonRows implements RowReader {

  private static final int MAX_DEPTH = 200;
  private static final int MAX_NAMES = 50;
  private static final String REMEDY = "Correct it";

  /** A row that is not a JSON object. */
  private static final class NoObjectException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    NoObjectException(String message) {
      super(message);
    }
  }

  private final String name;
  private final List<String> columns;
  private final JsonFactory json;
  private final @Nullable Object[] values;
  private final boolean[] everSeen;
  private final BadRecords bad;

  /** Not null if each line is parsed separately, so that broken lines can be skipped. */
  private final @Nullable LineReader lines;

  private final Set<String> names = new LinkedHashSet<>();
  private JsonParser parser;
  private boolean started;
  private boolean inArray;
  private boolean ended;
  private long rows;

  JsonRows(String name, InputStream in, List<String> columns, ReadOptions options) {
    this(name, in, columns, options, true);
  }

  private JsonRows(
      String name, InputStream in, List<String> columns, ReadOptions options, boolean logs) {
    this.name = name;
    this.columns = columns;
    this.values = new @Nullable Object[columns.size()];
    this.everSeen = new boolean[columns.size()];
    this.json =
        JsonFactory.builder()
            .streamReadConstraints(
                StreamReadConstraints.builder()
                    .maxNestingDepth(MAX_DEPTH)
                    .maxStringLength(options.maxDocumentBytes())
                    .build())
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
            .build();
    if (options.skipBadRecords() && !startsArray(name, in)) {
      this.bad = new BadRecords(name, true, logs);
      this.lines = new LineReader(name, in, options.maxDocumentBytes(), options.replaceMalformed());
      this.parser = json.createParser(ObjectReadContext.empty(), "");
    } else {
      this.bad = new BadRecords(name, false, logs);
      this.lines = null;
      this.parser =
          json.createParser(
              ObjectReadContext.empty(), Utf8.reader(name, in, options.replaceMalformed()));
    }
  }

  /** Whether the first character is an opening bracket. Resets the stream to its start. */
  private static boolean startsArray(String name, InputStream in) {
    int most = 1 << 10;
    in.mark(most);
    try {
      byte[] start = in.readNBytes(most);
      in.reset();
      for (byte b : start) {
        boolean isBlank = b == ' ' || b == '\t' || b == '\r' || b == '\n' || b < 0; // or a BOM
        if (!isBlank) {
          return b == '[';
        }
      }
      return false;
    } catch (IOException e) {
      throw InputFiles.unreadable(name, e);
    }
  }

  /** The columns of the first rows, with the types of their values. */
  static Map<String, String> columns(String name, InputStream in, ReadOptions options) {
    try (JsonRows rows =
        Closing.onFailure(in, () -> new JsonRows(name, in, List.of(), options, false))) {
      ColumnTypes types = new ColumnTypes();
      while (rows.next(types)) {
        if (!types.nextRow()) {
          break;
        }
      }
      return types.types();
    }
  }

  private String type(JsonToken token) {
    return switch (token) {
      case VALUE_STRING -> ColumnTypes.TEXT;
      case VALUE_NULL -> ColumnTypes.NULL;
      // Hugging Face's datasets reads NaN in a text column as a missing value.
      case VALUE_NUMBER_FLOAT -> parser.isNaN() ? ColumnTypes.NULL : ColumnTypes.NUMBER;
      case VALUE_NUMBER_INT -> ColumnTypes.NUMBER;
      case VALUE_TRUE, VALUE_FALSE -> ColumnTypes.BOOLEAN;
      default -> JsonKinds.of(token).replaceFirst("^an? ", "");
    };
  }

  @Override
  public boolean next() {
    return next(null);
  }

  /**
   * Moves to the next row.
   *
   * @param types collects the types of all fields; null if they are not needed
   */
  private boolean next(@Nullable ColumnTypes types) {
    while (true) {
      try {
        if (!startRow()) {
          checkColumns();
          bad.report();
          return false;
        }
        readRow(types);
        return true;
      } catch (JacksonIOException e) {
        throw InputFiles.unreadable(location(), new IOException(e.getOriginalMessage(), e));
      } catch (JacksonException e) {
        bad.add(location(), "bad JSON: " + reason(e), REMEDY, e);
      } catch (NoObjectException e) {
        bad.add(location(), String.valueOf(e.getMessage()), REMEDY, e);
      }
    }
  }

  /** Moves into the object of the next row; false at the end of the data. */
  private boolean startRow() {
    if (ended) {
      return false;
    }
    if (lines != null && !nextLine(lines)) {
      ended = true;
      return false;
    }
    JsonToken token = parser.nextToken();
    if (!started) {
      started = true;
      if (token == JsonToken.START_ARRAY && lines == null) {
        inArray = true;
        token = parser.nextToken();
      }
    }
    if (inArray && token == JsonToken.END_ARRAY) {
      ended = true;
      if (parser.nextToken() != null) {
        throw new NoObjectException("there is text after the JSON array");
      }
      return false;
    }
    if (token == null) {
      ended = true;
      if (inArray) {
        throw new NoObjectException("the file ends within the JSON array");
      }
      return false;
    }
    if (token != JsonToken.START_OBJECT) {
      throw new NoObjectException(
          "expected a JSON object for each row, found " + JsonKinds.of(token));
    }
    rows++;
    return true;
  }

  /** Moves to the next line that is not blank. */
  private boolean nextLine(LineReader from) {
    String line = from.next();
    while (line != null && line.isBlank()) {
      line = from.next();
    }
    parser.close();
    parser = json.createParser(ObjectReadContext.empty(), line == null ? "" : line);
    return line != null;
  }

  private void readRow(@Nullable ColumnTypes types) {
    Arrays.fill(values, null);
    JsonToken token = parser.nextToken();
    while (token == JsonToken.PROPERTY_NAME) {
      readField(parser.currentName(), types);
      token = parser.nextToken();
    }
    if (token != JsonToken.END_OBJECT) {
      throw new NoObjectException("the file ends within a JSON object");
    }
    if (lines != null && parser.nextToken() != null) {
      throw new NoObjectException("there is text after the JSON object");
    }
  }

  private void readField(String field, @Nullable ColumnTypes types) {
    int column = columns.indexOf(field);
    JsonToken token = parser.nextToken();
    if (rows == 1 && names.size() < MAX_NAMES) {
      names.add(field);
    }
    if (types != null) {
      types.add(field, token == null ? ColumnTypes.NULL : type(token));
      types.addChars(token == JsonToken.VALUE_STRING ? parser.getStringLength() : 0);
    }
    if (column < 0) {
      parser.skipChildren();
      return;
    }
    everSeen[column] = true;
    values[column] =
        switch (token) {
          case VALUE_STRING -> parser.getString();
          case VALUE_NUMBER_INT -> integer();
          case VALUE_NUMBER_FLOAT -> parser.getDoubleValue();
          case VALUE_TRUE -> true;
          case VALUE_FALSE -> false;
          case VALUE_NULL -> null;
          default ->
              throw new DatasetException(
                  location()
                      + ": column \""
                      + field
                      + "\" is "
                      + JsonKinds.of(token)
                      + "; only text, numbers and booleans can be read");
        };
  }

  private Object integer() {
    return switch (parser.getNumberType()) {
      case INT, LONG -> parser.getLongValue();
      default -> parser.getDoubleValue();
    };
  }

  private void checkColumns() {
    for (int i = 0; i < everSeen.length; i++) {
      if (rows > 0 && !everSeen[i]) {
        throw Columns.missing(name, columns.get(i), names);
      }
    }
  }

  /** The error without Jackson's start marker, which has no location here. */
  private static String reason(JacksonException e) {
    return e.getOriginalMessage().replaceFirst(" \\(start marker at (?s:.*)", "");
  }

  @Override
  public @Nullable Object value(int column) {
    return values[column];
  }

  @Override
  public String location() {
    return lines != null
        ? lines.location()
        : name + ", line " + parser.currentTokenLocation().getLineNr();
  }

  @Override
  public void close() {
    parser.close();
    if (lines != null) {
      lines.close();
    }
  }
}
