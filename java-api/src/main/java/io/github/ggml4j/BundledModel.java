package io.github.ggml4j;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/** The model that comes with the library, so that everything runs without a download. */
final class BundledModel {
  /** The name to load it by. */
  static final String NAME = "bundled";

  private static final String RESOURCE = "bundled.gguf";

  private BundledModel() {}

  /**
   * A copy in a file of its own, which the caller deletes.
   *
   * @throws IllegalStateException when this build of the library has none
   */
  static Path unpack() {
    try (var in = BundledModel.class.getResourceAsStream(RESOURCE)) {
      if (in == null) {
        throw new IllegalStateException(
            "This build of ggml4j has no bundled model: looked for the resource "
                + "io/github/ggml4j/"
                + RESOURCE
                + ". Give the path of a Hugging Face folder or a .gguf file.");
      }
      var file = Files.createTempFile("ggml4j-bundled-", ".gguf");
      file.toFile().deleteOnExit();
      Files.copy(in, file, StandardCopyOption.REPLACE_EXISTING);
      return file;
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot unpack the bundled model", e);
    }
  }
}
