package io.github.ggml4j.format.safetensors;

import static io.github.ggml4j.format.internal.LittleEndian.LONG;

import io.github.ggml4j.format.ModelFormatException;
import io.github.ggml4j.format.internal.Json;
import io.github.ggml4j.internal.Names;
import io.github.ggml4j.tensor.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/** The header of a safetensors file, checked against the size of the file. */
record SafetensorsHeader(
    long dataStart, Map<String, SafetensorsEntry> tensors, Map<String, String> metadata) {

  /** The limit of the reference implementation. */
  static final long MAX_HEADER = 100_000_000;

  static final String METADATA_KEY = "__metadata__";
  private static final int MAX_TENSORS = 1 << 18;
  private static final int MAX_RANK = 32;
  private static final String DOWNLOAD_AGAIN =
      "The file is damaged or no safetensors file; fetch it again.";

  static SafetensorsHeader parse(MemorySegment bytes, String source) {
    long size = bytes.byteSize();
    if (size < 8) {
      throw bad(source, "has " + size + " bytes", "at least 8 for the header's length");
    }
    long length = bytes.get(LONG, 0);
    if (length < 2 || length > size - 8) {
      throw bad(
          source,
          "gives a header of " + Long.toUnsignedString(length) + " bytes",
          "2 to " + (size - 8) + " (the file has " + size + ")");
    }
    if (length > MAX_HEADER) {
      throw bad(source, "gives a header of " + length + " bytes", "at most " + MAX_HEADER);
    }
    MemorySegment json = bytes.asSlice(8, length);
    if (json.get(ValueLayout.JAVA_BYTE, 0) != '{') {
      throw bad(source, "has a header that does not start with '{'", "a JSON object");
    }
    return new Reader(source, size - 8 - length).read(json, 8 + length);
  }

  private static ModelFormatException bad(String source, String found, String expected) {
    return ModelFormatException.of(source, found, expected, DOWNLOAD_AGAIN);
  }

  /** One pass over the JSON text, without building a tree. */
  private static final class Reader {
    private final String source;
    private final long dataSize;
    private final Map<String, SafetensorsEntry> byName = new HashMap<>();
    private final Map<String, String> metadata = new LinkedHashMap<>();
    private boolean metadataSeen;

    Reader(String source, long dataSize) {
      this.source = source;
      this.dataSize = dataSize;
    }

    SafetensorsHeader read(MemorySegment json, long dataStart) {
      try (JsonParser parser = Json.parser(Json.stream(json))) {
        expect(parser.nextToken(), JsonToken.START_OBJECT, () -> "the header");
        while (parser.nextToken() != JsonToken.END_OBJECT) {
          String name = parser.currentName();
          if (name.equals(METADATA_KEY)) {
            readMetadata(parser);
          } else {
            readTensor(parser, name);
          }
        }
        if (parser.nextToken() != null) {
          throw bad(source, "has text after the header's JSON object", "spaces only");
        }
      } catch (JacksonException e) {
        throw Json.malformed(source + " (header)", e);
      }
      return new SafetensorsHeader(dataStart, inOrder(), metadata);
    }

    private void readMetadata(JsonParser parser) {
      if (metadataSeen) {
        throw bad(source, "has " + METADATA_KEY + " twice", "one");
      }
      metadataSeen = true;
      expect(parser.nextToken(), JsonToken.START_OBJECT, () -> METADATA_KEY);
      while (parser.nextToken() != JsonToken.END_OBJECT) {
        String key = parser.currentName();
        expect(parser.nextToken(), JsonToken.VALUE_STRING, () -> METADATA_KEY + "." + key);
        if (metadata.put(key, parser.getString()) != null) {
          throw bad(source, "has the metadata key " + Names.quote(key) + " twice", "one");
        }
      }
    }

    private void readTensor(JsonParser parser, String name) {
      if (byName.size() >= MAX_TENSORS) {
        throw bad(source, "has more than " + MAX_TENSORS + " tensors", "fewer");
      }
      Supplier<String> what = () -> "tensor " + Names.quote(name);
      expect(parser.nextToken(), JsonToken.START_OBJECT, what);
      @Nullable DType dtype = null;
      long @Nullable [] shape = null;
      long @Nullable [] offsets = null;
      while (parser.nextToken() != JsonToken.END_OBJECT) {
        String key = parser.currentName();
        boolean again;
        switch (key) {
          case "dtype" -> {
            again = dtype != null;
            expect(parser.nextToken(), JsonToken.VALUE_STRING, () -> what.get() + " dtype");
            dtype = dtype(parser.getString(), what);
          }
          case "shape" -> {
            again = shape != null;
            shape = readLongs(parser, () -> what.get() + " shape", MAX_RANK);
          }
          case "data_offsets" -> {
            again = offsets != null;
            offsets = readLongs(parser, () -> what.get() + " data_offsets", 2);
          }
          default ->
              throw bad(
                  source,
                  what.get() + " has the unknown field " + Names.quote(key),
                  "dtype, shape and data_offsets");
        }
        if (again) {
          throw bad(source, what.get() + " has " + key + " twice", "one");
        }
      }
      if (dtype == null || shape == null || offsets == null || offsets.length != 2) {
        throw bad(
            source, what.get() + " is incomplete", "dtype, shape and data_offsets [begin, end]");
      }
      SafetensorsEntry entry = new SafetensorsEntry(name, dtype, shape, offsets[0], offsets[1]);
      checkSize(entry, what);
      if (byName.put(name, entry) != null) {
        throw bad(source, "has " + what.get() + " twice", "one");
      }
    }

    private void checkSize(SafetensorsEntry entry, Supplier<String> what) {
      if (entry.begin() > entry.end() || entry.end() > dataSize) {
        throw bad(
            source,
            what.get() + " has data_offsets [" + entry.begin() + ", " + entry.end() + "]",
            "a range within the " + dataSize + " bytes of tensor data");
      }
      long bytes;
      try {
        long elements = 1;
        for (long dimension : entry.shape()) {
          elements = Math.multiplyExact(elements, dimension);
        }
        bytes = entry.dtype().byteSize(elements);
      } catch (ArithmeticException | IllegalArgumentException e) {
        bytes = -1;
      }
      if (bytes != entry.byteSize()) {
        throw bad(
            source,
            what.get()
                + " of "
                + entry.dtype()
                + " and shape "
                + Arrays.toString(entry.shape())
                + " has "
                + entry.byteSize()
                + " bytes",
            bytes < 0 ? "a shape that can be stored" : bytes + " bytes");
      }
    }

    /** Tensors in the order of their bytes, which must cover the data without gap or overlap. */
    private Map<String, SafetensorsEntry> inOrder() {
      List<SafetensorsEntry> sorted = new ArrayList<>(byName.values());
      sorted.sort(
          Comparator.comparingLong(SafetensorsEntry::begin)
              .thenComparingLong(SafetensorsEntry::end)
              .thenComparing(SafetensorsEntry::name));
      Map<String, SafetensorsEntry> ordered = LinkedHashMap.newLinkedHashMap(sorted.size());
      long position = 0;
      for (SafetensorsEntry entry : sorted) {
        if (entry.begin() != position) {
          throw bad(
              source,
              "tensor " + Names.quote(entry.name()) + " starts at byte " + entry.begin(),
              position + ", the end of the tensor before it (no gaps, no overlaps)");
        }
        position = entry.end();
        ordered.put(entry.name(), entry);
      }
      if (position != dataSize) {
        throw bad(
            source,
            "has " + dataSize + " bytes of tensor data",
            position + " bytes, the end of the last tensor");
      }
      return ordered;
    }

    private long[] readLongs(JsonParser parser, Supplier<String> what, int most) {
      expect(parser.nextToken(), JsonToken.START_ARRAY, what);
      long[] values = new long[4];
      int count = 0;
      while (parser.nextToken() != JsonToken.END_ARRAY) {
        expect(parser.currentToken(), JsonToken.VALUE_NUMBER_INT, what);
        if (count == most) {
          throw bad(source, what.get() + " has more than " + most + " numbers", "fewer");
        }
        if (count == values.length) {
          values = Arrays.copyOf(values, 2 * count);
        }
        long value =
            switch (parser.getNumberType()) {
              case INT, LONG -> parser.getLongValue();
              default -> -1;
            };
        if (value < 0) {
          throw bad(
              source,
              what.get() + " holds " + Names.quote(parser.getString()),
              "whole numbers from 0 to 2^63 - 1");
        }
        values[count++] = value;
      }
      return Arrays.copyOf(values, count);
    }

    private DType dtype(String name, Supplier<String> what) {
      DType type = SafetensorsTypes.fromName(name);
      if (type == null) {
        throw ModelFormatException.of(
            source,
            what.get() + " has dtype " + Names.quote(name),
            "one of " + SafetensorsTypes.names(),
            "Save the tensor as F32, F16 or BF16.");
      }
      return type;
    }

    private void expect(@Nullable JsonToken token, JsonToken expected, Supplier<String> what) {
      if (token != expected) {
        throw bad(
            source,
            what.get() + " is " + (token == null ? "missing" : token.name()),
            expected.name());
      }
    }
  }
}
