package io.github.ggml4j.io;

import io.github.ggml4j.format.ModelFormatException;
import io.github.ggml4j.format.gguf.GgufFile;
import io.github.ggml4j.format.internal.MappedFile;
import io.github.ggml4j.format.llmc.LlmcFile;
import io.github.ggml4j.format.tensorflow.TensorFlowCheckpoint;
import io.github.ggml4j.format.torch.TorchFile;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;

/** The forms of models on disk, detected by the names in a folder and the first bytes of a file. */
enum ModelForm {
  HUGGING_FACE_FOLDER,
  TENSORFLOW_FOLDER,
  GGUF_FILE,
  LLMC_FILE;

  /** The supported forms, for messages. */
  static final String ALL =
      "a Hugging Face folder ("
          + HuggingFaceFolder.CONFIG
          + " with "
          + HuggingFaceFolder.WEIGHTS
          + " or "
          + HuggingFaceFolder.TORCH_WEIGHTS
          + "), OpenAI's TensorFlow folder ("
          + TensorFlowFolder.HPARAMS
          + " with "
          + TensorFlowFolder.PREFIX
          + TensorFlowFolder.INDEX
          + "), a GGUF file, a folder with one .gguf file, or llm.c's .bin file";

  /** How many bytes tell the form of a file. */
  private static final int START = 8;

  /** A form and the path to open it by. */
  record Found(ModelForm form, Path path) {}

  /**
   * Detects the form of an existing folder or file.
   *
   * @throws ModelFormatException if it has none of these forms; the message lists them
   */
  static Found of(Path path) {
    return Files.isDirectory(path) ? ofFolder(path) : ofFile(path);
  }

  private static Found ofFolder(Path folder) {
    if (Files.exists(folder.resolve(HuggingFaceFolder.CONFIG))) {
      return new Found(HUGGING_FACE_FOLDER, folder);
    }
    if (Files.exists(folder.resolve(TensorFlowFolder.HPARAMS))) {
      return new Found(TENSORFLOW_FOLDER, folder);
    }
    List<Path> ggufs = ggufs(folder);
    if (ggufs.size() == 1) {
      return new Found(GGUF_FILE, ggufs.getFirst());
    }
    if (Adapters.isIn(folder)) {
      throw ModelFormatException.of(
          folder.toString(),
          "is an adapter",
          "a model",
          "Load the model that it was made for and add the adapter (Adapters.load, --adapter).");
    }
    throw ModelFormatException.of(
        folder.toString(),
        "has no "
            + HuggingFaceFolder.CONFIG
            + ", no "
            + TensorFlowFolder.HPARAMS
            + " and "
            + (ggufs.isEmpty() ? "no .gguf file" : ggufs.size() + " .gguf files"),
        ALL,
        ggufs.isEmpty() ? "Give the path of a model." : "Give the path of one of the .gguf files.");
  }

  private static List<Path> ggufs(Path folder) {
    try (var files = Files.list(folder)) {
      return files.filter(file -> file.toString().endsWith(".gguf")).limit(100).toList();
    } catch (IOException e) {
      throw new UncheckedIOException(folder + ": cannot be read: " + e.getMessage(), e);
    }
  }

  private static Found ofFile(Path path) {
    MemorySegment start = start(path);
    if (GgufFile.matches(start)) {
      return new Found(GGUF_FILE, path);
    }
    if (LlmcFile.matches(start)) {
      return new Found(LLMC_FILE, path);
    }
    throw unknown(path);
  }

  /** The first bytes of a file, without mapping it. */
  private static MemorySegment start(Path path) {
    try (InputStream in = Files.newInputStream(path)) {
      return MemorySegment.ofArray(in.readNBytes(START));
    } catch (IOException e) {
      throw new UncheckedIOException(path + ": cannot be read: " + e.getMessage(), e);
    }
  }

  private static ModelFormatException unknown(Path path) {
    try (MappedFile file = MappedFile.open(path)) {
      MemorySegment bytes = file.bytes();
      String name = String.valueOf(path.getFileName());
      boolean partOfFolder =
          name.endsWith(".safetensors") || name.endsWith(".json") || TorchFile.matches(bytes);
      if (partOfFolder || TensorFlowCheckpoint.matches(bytes)) {
        return ModelFormatException.of(
            path.toString(),
            "is one file of a " + (partOfFolder ? "Hugging Face" : "TensorFlow") + " folder",
            "the folder, or a .gguf file",
            "Give the folder that holds it"
                + (partOfFolder ? " together with " + HuggingFaceFolder.CONFIG + "." : "."));
      }
      byte[] start =
          bytes.asSlice(0, Math.min(START, bytes.byteSize())).toArray(ValueLayout.JAVA_BYTE);
      return ModelFormatException.of(
          path.toString(),
          start.length == 0
              ? "is empty"
              : "starts with the bytes "
                  + HexFormat.ofDelimiter(" ").formatHex(start)
                  + ", not with 'GGUF' or llm.c's number",
          ALL,
          "Check that this is a model and that its download is complete.");
    }
  }
}
