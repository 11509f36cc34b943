package io.github.ggml4j.format.internal;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.ggml4j.Golden;
import io.github.ggml4j.format.ModelFormatException;
import io.github.ggml4j.internal.LfsPointer;
import io.github.ggml4j.io.ModelFiles;
import io.github.ggml4j.quantization.ImportanceMatrix;
import io.github.ggml4j.tokenizer.Tokenizer;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Pointers of Git LFS in place of every file that a model or tokenizer is read from. */
class LfsPointerTest {
  private static final String POINTER =
      """
      version https://git-lfs.github.com/spec/v1
      oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393
      size 548105171
      """;

  @TempDir private Path folder;

  @ParameterizedTest
  @ValueSource(strings = {"model.safetensors", "pytorch_model.bin", "model.safetensors.index.json"})
  void asWeightsOfAFolder(String name) throws IOException {
    Files.copy(Golden.path("models/tiny").resolve("config.json"), folder.resolve("config.json"));
    pointer(name);
    assertThatThrownBy(() -> ModelFiles.open(folder).close())
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining(name + ": is a Git LFS pointer")
        .hasMessageContaining("548105171 bytes")
        .hasMessageContaining("git lfs pull");
  }

  @ParameterizedTest
  @ValueSource(strings = {"model.gguf", "llmc.bin"})
  void asOneFile(String name) throws IOException {
    var file = pointer(name);
    assertThatThrownBy(() -> ModelFiles.open(file).close())
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining(name + ": is a Git LFS pointer");
  }

  @Test
  void asConfiguration() throws IOException {
    pointer("config.json");
    assertThatThrownBy(() -> ModelFiles.open(folder).close())
        .hasMessageContaining("config.json: is a Git LFS pointer");
  }

  @Test
  void asShardOfATensorFlowCheckpoint() throws IOException {
    try (var files = Files.list(Golden.path("readers/tensorflow"))) {
      for (var file : files.toList()) {
        Files.copy(file, folder.resolve(file.getFileName().toString()));
      }
    }
    try (var files = Files.list(folder)) {
      var data = files.filter(file -> file.toString().contains(".data-")).findFirst().orElseThrow();
      Files.writeString(data, POINTER);
    }
    assertThatThrownBy(() -> ModelFiles.open(folder).close())
        .hasMessageContaining("is a Git LFS pointer");
  }

  @Test
  void asImportanceMatrix() throws IOException {
    var file = pointer("imatrix.gguf");
    assertThatThrownBy(() -> ImportanceMatrix.read(file))
        .hasMessageContaining("imatrix.gguf: is a Git LFS pointer");
  }

  @ParameterizedTest
  @ValueSource(strings = {"tokenizer.json", "vocab.json"})
  void asTokenizer(String name) throws IOException {
    pointer(name);
    if (name.equals("vocab.json")) {
      pointer("merges.txt");
    }
    assertThatThrownBy(() -> Tokenizer.load(folder))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("is a Git LFS pointer");
  }

  @Test
  void otherSmallFilesAreNotPointers() {
    assertThatCode(
            () -> {
              LfsPointer.refuse("a", MemorySegment.ofArray(new byte[0]), ModelFormatException::new);
              LfsPointer.refuse(
                  "a",
                  MemorySegment.ofArray("version 2".getBytes(StandardCharsets.US_ASCII)),
                  ModelFormatException::new);
              LfsPointer.refuse(
                  "a",
                  MemorySegment.ofArray(new byte[LfsPointer.MAX_SIZE]),
                  ModelFormatException::new);
            })
        .doesNotThrowAnyException();
  }

  private Path pointer(String name) throws IOException {
    return Files.writeString(folder.resolve(name), POINTER);
  }
}
