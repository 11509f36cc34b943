package io.github.ggml4j.trainer.data;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonFactory;

/** JSON lines: each line one object, one of its string fields the document. */
final class JsonLinesReader extends LineFileReader {

  private static final int MAX_DEPTH = 200;
  private static final int FIELDS_NAMED = 20;

  private final String field;
  private final JsonFactory json;

  JsonLinesReader(List<Path> files, String field, ReadOptions options) {
    super(files, options);
    this.field = field;
    // The line is bounded already, so only the depth needs a bound of its own.
    this.json =
        JsonFactory.builder()
            .streamReadConstraints(
                StreamReadConstraints.builder()
                    .maxNestingDepth(MAX_DEPTH)
                    .maxStringLength(Integer.MAX_VALUE)
                    .build())
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .build();
  }

  @Override
  String document(String line, LineReader from) {
    try (JsonParser parser = json.createParser(ObjectReadContext.empty(), line)) {
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        throw new DatasetException(
            from.place() + ": expected one JSON object a line, found " + kind(parser));
      }
      String text = null;
      List<String> seen = new ArrayList<>();
      while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
        String name = parser.currentName();
        JsonToken value = parser.nextToken();
        if (!name.equals(field)) {
          if (seen.size() < FIELDS_NAMED) {
            seen.add(name);
          }
          parser.skipChildren();
        } else if (value == JsonToken.VALUE_STRING) {
          text = parser.getString();
        } else {
          throw new DatasetException(
              from.place() + ": field \"" + field + "\" is " + kind(parser) + ", not a string");
        }
      }
      if (parser.nextToken() != null) {
        throw new DatasetException(from.place() + ": text after the JSON object");
      }
      if (text == null) {
        throw new DatasetException(
            from.place() + ": no field \"" + field + "\"; the line has " + seen);
      }
      return text;
    } catch (JacksonException e) {
      throw new DatasetException(from.place() + ": bad JSON: " + e.getOriginalMessage(), e);
    }
  }

  private static String kind(JsonParser parser) {
    return JsonKinds.of(parser.currentToken());
  }
}
