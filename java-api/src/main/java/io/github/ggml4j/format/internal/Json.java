package io.github.ggml4j.format.internal;

import io.github.ggml4j.format.ModelFormatException;
import io.github.ggml4j.internal.LfsPointer;
import io.github.ggml4j.internal.Names;
import io.github.ggml4j.internal.StrictUtf8;
import java.io.IOException;
import java.io.InputStream;
import java.io.StringReader;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.TokenStreamFactory;
import tools.jackson.core.json.JsonFactory;

/**
 * JSON from untrusted files: strict UTF-8, bounded depth, lengths and numbers, no duplicate keys.
 *
 * <p>Values are plain Java: {@code null}, Boolean, Long, BigInteger, Double, String, List and Map
 * in the order of the file.
 */
public final class Json {
  /** Largest configuration file that is read, in bytes. */
  public static final long MAX_DOCUMENT = 16L << 20;

  /** Most tokens of a document that is kept in memory, so that it stays small there. */
  private static final long MAX_TOKENS = 500_000;

  private static final JsonFactory STREAMS = factory(Long.MAX_VALUE);
  private static final JsonFactory DOCUMENTS = factory(MAX_TOKENS);

  private Json() {}

  private static JsonFactory factory(long maxTokens) {
    return JsonFactory.builder()
        // A table of names helps where names recur; a vocabulary has 50,000 different ones
        .disable(TokenStreamFactory.Feature.CANONICALIZE_PROPERTY_NAMES)
        .streamReadConstraints(
            StreamReadConstraints.builder()
                .maxNestingDepth(64)
                .maxNumberLength(400)
                .maxNameLength(4096)
                .maxStringLength(4 << 20)
                .maxTokenCount(maxTokens)
                .build())
        .build();
  }

  /** A parser over text that is checked to be UTF-8, for a caller that keeps little of it. */
  public static JsonParser parser(InputStream utf8) {
    return parser(STREAMS, utf8);
  }

  private static JsonParser parser(JsonFactory factory, InputStream utf8) {
    return factory.createParser(ObjectReadContext.empty(), StrictUtf8.reader(utf8));
  }

  /** The bytes of a segment as a stream, without copying them first. */
  public static InputStream stream(MemorySegment bytes) {
    return new SegmentInputStream(bytes);
  }

  /**
   * Reads a file that holds one JSON object.
   *
   * @throws ModelFormatException when it is missing, too large or not a JSON object
   */
  public static Map<String, @Nullable Object> readObject(Path file) {
    try {
      long size = Files.size(file);
      if (size > MAX_DOCUMENT) {
        throw ModelFormatException.of(
            file.toString(),
            "has " + size + " bytes",
            "at most " + MAX_DOCUMENT + " for a JSON file of this kind",
            "Check that this is the right file.");
      }
      if (size < LfsPointer.MAX_SIZE) {
        LfsPointer.refuse(
            file.toString(),
            MemorySegment.ofArray(Files.readAllBytes(file)),
            ModelFormatException::new);
      }
      try (InputStream in = Files.newInputStream(file);
          JsonParser parser = parser(DOCUMENTS, in)) {
        return object(parser, file.toString());
      }
    } catch (NoSuchFileException e) {
      throw new ModelFormatException(file + ": no such file. Check the path.", e);
    } catch (IOException e) {
      throw new UncheckedIOException(file + ": cannot be read: " + e.getMessage(), e);
    }
  }

  /**
   * Parses one JSON object.
   *
   * @param source name for error messages
   */
  public static Map<String, @Nullable Object> parseObject(String json, String source) {
    try (JsonParser parser =
        DOCUMENTS.createParser(ObjectReadContext.empty(), new StringReader(json))) {
      return object(parser, source);
    }
  }

  /** As {@link #parseObject(String, String)} from UTF-8 bytes. */
  public static Map<String, @Nullable Object> parseObject(InputStream utf8, String source) {
    try (JsonParser parser = parser(DOCUMENTS, utf8)) {
      return object(parser, source);
    }
  }

  private static Map<String, @Nullable Object> object(JsonParser parser, String source) {
    try {
      JsonToken first = parser.nextToken();
      if (first != JsonToken.START_OBJECT) {
        throw malformed(source, "starts with " + first);
      }
      Map<String, @Nullable Object> object = readMap(parser, source);
      if (parser.nextToken() != null) {
        throw malformed(source, "has text after the JSON object");
      }
      return object;
    } catch (JacksonException e) {
      throw malformed(source, e);
    }
  }

  /** The error for text that is no JSON. */
  public static ModelFormatException malformed(String source, JacksonException e) {
    var location = e.getLocation();
    String where =
        location == null || location.getLineNr() < 0
            ? ""
            : " at line " + location.getLineNr() + ", column " + location.getColumnNr();
    String message = String.valueOf(e.getOriginalMessage());
    return new ModelFormatException(
        source
            + ": is not valid JSON"
            + where
            + ": "
            + Names.quote(message)
            + "; expected one JSON object in UTF-8. Fetch the file again or correct it.",
        e);
  }

  private static ModelFormatException malformed(String source, String found) {
    return ModelFormatException.of(
        source, found, "one JSON object", "Fetch the file again or correct it.");
  }

  /** The value that a parser stands at, for a caller that reads a document piece by piece. */
  public static @Nullable Object value(JsonParser parser, String source) {
    JsonToken token = parser.currentToken();
    return switch (token) {
      case START_OBJECT -> readMap(parser, source);
      case START_ARRAY -> {
        List<@Nullable Object> list = new ArrayList<>();
        while (parser.nextToken() != JsonToken.END_ARRAY) {
          list.add(value(parser, source));
        }
        yield Collections.unmodifiableList(list);
      }
      case VALUE_STRING -> parser.getString();
      case VALUE_NUMBER_INT -> integer(parser);
      case VALUE_NUMBER_FLOAT -> {
        double number = parser.getDoubleValue();
        if (Double.isInfinite(number)) {
          throw malformed(source, "has a number beyond double precision");
        }
        yield number;
      }
      case VALUE_TRUE -> true;
      case VALUE_FALSE -> false;
      case VALUE_NULL -> null;
      default -> throw malformed(source, "has an unexpected " + token);
    };
  }

  private static Object integer(JsonParser parser) {
    return switch (parser.getNumberType()) {
      case INT, LONG -> parser.getLongValue();
      default -> parser.getBigIntegerValue();
    };
  }

  private static Map<String, @Nullable Object> readMap(JsonParser parser, String source) {
    Map<String, @Nullable Object> map = new LinkedHashMap<>();
    while (parser.nextToken() != JsonToken.END_OBJECT) {
      String key = parser.currentName();
      if (map.containsKey(key)) {
        throw malformed(source, "has the key " + Names.quote(key) + " twice");
      }
      parser.nextToken();
      map.put(key, value(parser, source));
    }
    return Collections.unmodifiableMap(map);
  }

  private static final class SegmentInputStream extends InputStream {
    private final MemorySegment bytes;
    private long position;

    SegmentInputStream(MemorySegment bytes) {
      this.bytes = bytes;
    }

    @Override
    public int read() {
      return position < bytes.byteSize() ? bytes.get(ValueLayout.JAVA_BYTE, position++) & 0xff : -1;
    }

    @Override
    public int read(byte[] target, int offset, int length) {
      long left = bytes.byteSize() - position;
      if (length == 0) {
        return 0;
      }
      if (left <= 0) {
        return -1;
      }
      int count = (int) Math.min(length, left);
      MemorySegment.copy(bytes, ValueLayout.JAVA_BYTE, position, target, offset, count);
      position += count;
      return count;
    }
  }
}
