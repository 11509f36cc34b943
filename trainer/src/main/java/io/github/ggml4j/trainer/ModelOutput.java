package io.github.ggml4j.trainer;

import io.github.ggml4j.error.InvalidArgumentException;
import io.github.ggml4j.io.ModelExport;
import io.github.ggml4j.io.ModelWriter;
import io.github.ggml4j.io.Models;
import io.github.ggml4j.model.Gpt2Config;
import io.github.ggml4j.model.Gpt2Model;
import io.github.ggml4j.tokenizer.Tokenizer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Saves a trained model as a GGUF file if the path ends with .gguf, else as a Hugging Face folder.
 */
record ModelOutput(Path path) {
  /** Checks before the training that the model can be saved. */
  void check(Gpt2Config config) {
    if (Models.isGguf(path)) {
      ModelWriter.checkForGguf(config);
      if (Files.isDirectory(path)) {
        throw new InvalidArgumentException(
            "saveTo", path, "a file, since the name ends with .gguf; it is a folder");
      }
    }
    Path existing = Models.isGguf(path) ? path.toAbsolutePath().getParent() : path.toAbsolutePath();
    while (existing != null && !Files.exists(existing)) {
      existing = existing.getParent();
    }
    if (existing == null || !isWritableFolder(existing)) {
      throw new InvalidArgumentException(
          "saveTo", path, "a path in a writable folder; " + existing + " is not writable");
    }
  }

  private static boolean isWritableFolder(@Nullable Path folder) {
    return folder != null && Files.isDirectory(folder) && Files.isWritable(folder);
  }

  /** Writes the model with its tokenizer. */
  void save(Gpt2Model model, Tokenizer tokenizer) {
    if (Models.isGguf(path)) {
      createParent();
    }
    Models.save(model, path, ModelExport.builder().tokenizer(tokenizer).build());
  }

  private void createParent() {
    Path parent = path.toAbsolutePath().getParent();
    try {
      if (parent != null) {
        Files.createDirectories(parent);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot create the folder " + parent + ": " + e, e);
    }
  }
}
