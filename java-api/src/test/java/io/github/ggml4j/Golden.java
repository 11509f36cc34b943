package io.github.ggml4j;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;

import io.github.ggml4j.format.safetensors.SafetensorsFile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The golden files, see {@code golden/README.md} among the test resources. */
public final class Golden {
  private static final Path FOLDER = Path.of("src/test/resources/golden");

  private Golden() {}

  /** A file or folder. */
  public static Path path(String name) {
    return FOLDER.resolve(name);
  }

  /** The content of a JSON file. */
  public static JsonNode json(String name) {
    return JsonMapper.shared().readTree(path(name).toFile());
  }

  /** The folders of the models. */
  public static List<Path> models() {
    try (var folders = Files.list(path("models"))) {
      return folders.sorted().toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** An array of whole numbers. */
  public static int[] ints(JsonNode array) {
    return array.valueStream().mapToInt(JsonNode::asInt).toArray();
  }

  /** All numbers of an F32 tensor. */
  public static float[] floats(SafetensorsFile file, String name) {
    var data = file.data(name);
    var values = new float[Math.toIntExact(data.byteSize() / 4)];
    for (int i = 0; i < values.length; i++) {
      values[i] = data.get(JAVA_FLOAT_UNALIGNED, 4L * i);
    }
    return values;
  }
}
