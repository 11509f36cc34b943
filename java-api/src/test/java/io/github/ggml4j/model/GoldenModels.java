package io.github.ggml4j.model;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;

import io.github.ggml4j.format.safetensors.SafetensorsFile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.StreamSupport;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The golden models, see {@code golden/README.md} among the test resources. */
final class GoldenModels {
  private static final Path FOLDER = Path.of("src/test/resources/golden/models");

  private GoldenModels() {}

  static List<String> names() {
    try (var folders = Files.list(FOLDER)) {
      return folders.map(path -> path.getFileName().toString()).sorted().toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static Path folder(String name) {
    return FOLDER.resolve(name);
  }

  static JsonNode json(String name) {
    return JsonMapper.shared().readTree(folder(name).resolve("golden.json").toFile());
  }

  static int[] ints(JsonNode array) {
    return StreamSupport.stream(array.spliterator(), false).mapToInt(JsonNode::asInt).toArray();
  }

  static float[] floats(SafetensorsFile file, String name) {
    var data = file.data(name);
    var values = new float[Math.toIntExact(data.byteSize() / 4)];
    for (int i = 0; i < values.length; i++) {
      values[i] = data.get(JAVA_FLOAT_UNALIGNED, 4L * i);
    }
    return values;
  }
}
