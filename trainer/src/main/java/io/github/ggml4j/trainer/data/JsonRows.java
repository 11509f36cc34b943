package io.github.ggml4j.trainer.data;

import java.io.InputStream;
import java.util.Arrays;
import java.util.LinkedHashMap;
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

/** JSON objects as rows: one after the other, as in JSON lines, or all in one array. */
final class JsonRows implements RowReader {

  private static final int MAX_DEPTH = 200;
  private static final int NAMES_REMEMBERED = 50;

  private final String name;
  private final List<String> columns;
  private final JsonParser parser;
  private final @Nullable Object[] values;
  private final boolean[] everSeen;
  private final Set<String> names = new LinkedHashSet<>();
  private boolean started;
  private boolean inArray;
  private boolean ended;
  private long rows;

  JsonRows(String name, InputStream in, List<String> columns, ReadOptions options) {
    this.name = name;
    this.columns = columns;
    this.values = new @Nullable Object[columns.size()];
    this.everSeen = new boolean[columns.size()];
    JsonFactory json =
        JsonFactory.builder()
            .streamReadConstraints(
                StreamReadConstraints.builder()
                    .maxNestingDepth(MAX_DEPTH)
                    .maxStringLength(options.maxDocumentBytes())
                    .build())
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .build();
    this.parser =
        json.createParser(
            ObjectReadContext.empty(), Utf8Reader.open(name, in, options.replaceMalformed()));
  }

  /** The fields of the first row, with the kinds of their values. */
  static Map<String, String> columns(String name, InputStream in, ReadOptions options) {
    try (JsonRows rows = new JsonRows(name, in, List.of(), options)) {
      return rows.fields();
    }
  }

  private Map<String, String> fields() {
    Map<String, String> fields = new LinkedHashMap<>();
    try {
      if (startRow()) {
        while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
          String field = parser.currentName();
          parser.nextToken();
          fields.put(field, type(parser.currentToken()));
          parser.skipChildren();
        }
      }
      return fields;
    } catch (JacksonException e) {
      throw bad(e);
    }
  }

  private static String type(@Nullable JsonToken token) {
    return token == JsonToken.VALUE_STRING ? "text" : JsonKinds.of(token).replaceFirst("^an? ", "");
  }

  @Override
  public boolean next() {
    try {
      if (!startRow()) {
        checkColumns();
        return false;
      }
      Arrays.fill(values, null);
      JsonToken token = parser.nextToken();
      while (token == JsonToken.PROPERTY_NAME) {
        readField(parser.currentName());
        token = parser.nextToken();
      }
      if (token != JsonToken.END_OBJECT) {
        throw new DatasetException(place() + ": the file ends within a JSON object");
      }
      return true;
    } catch (JacksonException e) {
      throw bad(e);
    }
  }

  /** Moves into the object of the next row; false at the end of the data. */
  private boolean startRow() {
    if (ended) {
      return false;
    }
    JsonToken token = parser.nextToken();
    if (!started) {
      started = true;
      if (token == JsonToken.START_ARRAY) {
        inArray = true;
        token = parser.nextToken();
      }
    }
    if (inArray && token == JsonToken.END_ARRAY) {
      ended = true;
      if (parser.nextToken() != null) {
        throw new DatasetException(place() + ": text after the JSON array");
      }
      return false;
    }
    if (token == null) {
      ended = true;
      if (inArray) {
        throw new DatasetException(place() + ": the file ends within the JSON array");
      }
      return false;
    }
    if (token != JsonToken.START_OBJECT) {
      throw new DatasetException(
          place() + ": expected a JSON object for each row, found " + JsonKinds.of(token));
    }
    rows++;
    return true;
  }

  private void readField(String field) {
    int column = columns.indexOf(field);
    JsonToken token = parser.nextToken();
    if (rows == 1 && names.size() < NAMES_REMEMBERED) {
      names.add(field);
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
                  place()
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

  private DatasetException bad(JacksonException e) {
    return e instanceof JacksonIOException
        ? Utf8Reader.unreadable(place(), e)
        : new DatasetException(place() + ": bad JSON: " + reason(e), e);
  }

  /** Without where an object or array began, which Jackson cannot say of a stream. */
  private static String reason(JacksonException e) {
    return e.getOriginalMessage().replaceFirst(" \\(start marker at (?s:.*)", "");
  }

  @Override
  public @Nullable Object value(int column) {
    return values[column];
  }

  @Override
  public String place() {
    return name + ", line " + parser.currentTokenLocation().getLineNr();
  }

  @Override
  public void close() {
    parser.close();
  }
}
