package io.github.ggml4j.hub;

import io.github.ggml4j.format.ModelFormatException;
import io.github.ggml4j.format.internal.Json;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The page that a model gets when its author wrote none. */
final class ModelCard {
  private ModelCard() {}

  static String of(String repo, Path folder) {
    var config = config(folder);
    return """
    ---
    library_name: transformers
    pipeline_tag: text-generation
    tags:
    - gpt2
    - ggml4j
    ---

    # %s

    A %s model for text generation, published with ggml4j.

    | Layers | Width | Heads | Context | Vocabulary |
    |---|---|---|---|---|
    | %s | %s | %s | %s | %s |

    In Java, with ggml4j:

    ```java
    try (var generator = TextGenerator.load("%s")) {
      System.out.println(generator.generate("Once upon a time"));
    }
    ```

    In Python, with transformers:

    ```python
    from transformers import pipeline

    generator = pipeline("text-generation", model="%s")
    print(generator("Once upon a time"))
    ```
    """
        .formatted(
            repo.substring(repo.indexOf('/') + 1),
            value(config, "model_type"),
            value(config, "n_layer"),
            value(config, "n_embd"),
            value(config, "n_head"),
            value(config, "n_positions"),
            value(config, "vocab_size"),
            repo,
            repo);
  }

  private static Map<String, @Nullable Object> config(Path folder) {
    var file = folder.resolve("config.json");
    try {
      return Files.isRegularFile(file) ? Json.readObject(file) : Map.of();
    } catch (ModelFormatException e) {
      return Map.of(); // The card is not the place to complain
    }
  }

  private static String value(Map<String, @Nullable Object> config, String key) {
    var value = config.get(key);
    return value instanceof Long || (value instanceof String text && text.matches("[\\w-]{1,40}"))
        ? String.valueOf(value)
        : key.equals("model_type") ? "language" : "?";
  }
}
