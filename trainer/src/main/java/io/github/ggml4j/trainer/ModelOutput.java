package io.github.ggml4j.trainer;

import io.github.ggml4j.io.ModelWriter;
import io.github.ggml4j.io.Models;
import io.github.ggml4j.model.Gpt2Config;
import io.github.ggml4j.model.Gpt2Model;
import io.github.ggml4j.tokenizer.Tokenizer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Where a trained model goes: a Hugging Face folder, or a GGUF file if the name ends so. */
record ModelOutput(Path path) {

  private boolean isGguf() {
    return path.toString().toLowerCase(Locale.ROOT).endsWith(".gguf");
  }

  /** Fails now if saving cannot work, rather than after hours of training. */
  void check(Gpt2Config config) {
    if (isGguf()) {
      ModelWriter.checkForGguf(config);
      if (Files.isDirectory(path)) {
        throw new IllegalArgumentException(
            "saveTo is " + path + ", which is a folder; a name that ends in .gguf is for a file");
      }
    }
    Path existing = isGguf() ? path.toAbsolutePath().getParent() : path.toAbsolutePath();
    while (existing != null && !Files.exists(existing)) {
      existing = existing.getParent();
    }
    if (existing == null || !isWritableFolder(existing)) {
      throw new IllegalArgumentException(
          "saveTo is " + path + ", but " + existing + " is not a folder that can be written to");
    }
  }

  private static boolean isWritableFolder(@Nullable Path folder) {
    return folder != null && Files.isDirectory(folder) && Files.isWritable(folder);
  }

  /** Writes model and tokenizer, so that the result loads by itself. */
  void save(Gpt2Model model, Tokenizer tokenizer) {
    if (isGguf()) {
      createParent();
      String file = path.getFileName().toString();
      Models.saveGguf(
          model, path, null, tokenizer, file.substring(0, file.length() - ".gguf".length()));
    } else {
      Models.saveFolder(model, path, null, tokenizer.files());
    }
  }

  private void createParent() {
    Path parent = path.toAbsolutePath().getParent();
    try {
      if (parent != null) {
        Files.createDirectories(parent);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot make the folder " + parent + ": " + e, e);
    }
  }
}
