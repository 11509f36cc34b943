package io.github.ggml4j.io;

import io.github.ggml4j.format.internal.PythonJson;
import io.github.ggml4j.model.Gpt2Model;
import io.github.ggml4j.model.WeightSpec;
import io.github.ggml4j.quantization.Quantization;
import io.github.ggml4j.tensor.DType;
import io.github.ggml4j.tensor.Device;
import io.github.ggml4j.tensor.Quantizer;
import io.github.ggml4j.tensor.Tensor;
import io.github.ggml4j.tokenizer.Tokenizer;
import java.io.UncheckedIOException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CancellationException;
import org.jspecify.annotations.Nullable;

/**
 * Loads and saves models.
 *
 * <pre>{@code
 * try (var model = Models.load(Path.of("gpt2"))) {
 *   Models.save(
 *       model,
 *       Path.of("gpt2-q4_k_m.gguf"),
 *       ModelExport.builder().quantization(Quantization.Q4_K_M).build());
 * }
 * }</pre>
 */
public final class Models {
  private static final String GGUF_SUFFIX = ".gguf";

  private Models() {}

  /**
   * Loads a model of any form that {@link ModelFiles#open(Path)} knows onto the CPU.
   *
   * @throws io.github.ggml4j.format.ModelFormatException if the files are damaged, incomplete or of
   *     a kind that is not supported
   */
  public static Gpt2Model load(Path path) {
    return load(path, Device.cpu());
  }

  /**
   * Loads a model of any form that {@link ModelFiles#open(Path)} knows.
   *
   * @param device becomes owned by the model
   */
  public static Gpt2Model load(Path path, Device device) {
    try {
      return load(ModelFiles.open(path), device);
    } catch (RuntimeException | Error e) {
      device.close();
      throw e;
    }
  }

  /**
   * Loads opened files.
   *
   * @param files its weights become owned by the model
   * @param device becomes owned by the model
   */
  public static Gpt2Model load(ModelFiles files, Device device) {
    return Gpt2Model.of(
        files.config(), files.weights(), files.generation(), device, files.path().toString());
  }

  /**
   * Writes a GGUF file that llama.cpp loads, or a Hugging Face folder that transformers loads.
   *
   * @param path a GGUF file where it ends with {@code .gguf}, else a folder
   * @param quantization what the weights are stored as
   * @param tokenizer goes with it; null for a model without one
   * @see #save(Gpt2Model, Path, ModelExport)
   */
  public static void save(
      Gpt2Model model, Path path, Quantization quantization, @Nullable Tokenizer tokenizer) {
    save(
        model, path, ModelExport.builder().quantization(quantization).tokenizer(tokenizer).build());
  }

  /**
   * Writes a GGUF file that llama.cpp loads, or a Hugging Face folder that transformers loads. What
   * was there stays until the new files are complete.
   *
   * @param path a GGUF file where it ends with {@code .gguf}, else a folder, which takes F32, F16
   *     and BF16
   * @throws IllegalArgumentException when the model cannot be written so: a quantized folder, an
   *     importance matrix that is missing or another model's, weights that are not finite
   * @throws java.io.UncheckedIOException when the files cannot be written
   * @throws CancellationException when the thread is interrupted; it stays interrupted, and nothing
   *     is left behind
   */
  public static void save(Gpt2Model model, Path path, ModelExport export) {
    var file = String.valueOf(path.getFileName());
    if (!file.endsWith(GGUF_SUFFIX)) {
      saveFolder(model, path, export);
      return;
    }
    var name =
        export.name() != null
            ? export.name()
            : file.substring(0, file.length() - GGUF_SUFFIX.length());
    model
        .device()
        .exclusively(() -> {
          var present = new TreeMap<String, DType>();
          model.tensors().forEach((key, tensor) -> present.put(key, tensor.type()));
          var types = export.types(model.config(), present);
          var header = ModelWriter.Header.of(model, name, export.tokenizer(), export);
          writeGguf(model, path, types, header, export);
          return null;
        });
  }

  private static void saveFolder(Gpt2Model model, Path folder, ModelExport export) {
    var quantization = export.quantization();
    if (quantization != null && !quantization.isFloat()) {
      throw new IllegalArgumentException(
          "The type is "
              + quantization
              + ", expected F32, F16 or BF16 for a Hugging Face folder. Give a path that ends with"
              + " .gguf for others.");
    }
    var tokenizer = export.tokenizer();
    saveFolder(
        model,
        folder,
        quantization == null ? null : quantization.type(),
        tokenizer == null ? Map.of() : tokenizer.files(model.config().nPositions()),
        export);
  }

  /**
   * Writes a Hugging Face folder that transformers loads.
   *
   * @param folder made if it does not exist; files of the same names are replaced, all or none
   * @param type of all weights: F32, F16 or BF16; null for the type they have, F32 where that is
   *     quantized
   * @param tokenizerFiles further files by name, such as {@code tokenizer.json}
   * @throws java.io.UncheckedIOException when the folder cannot be written
   */
  public static void saveFolder(
      Gpt2Model model, Path folder, @Nullable DType type, Map<String, byte[]> tokenizerFiles) {
    saveFolder(model, folder, type, tokenizerFiles, ModelExport.builder().build());
  }

  private static void saveFolder(
      Gpt2Model model,
      Path folder,
      @Nullable DType type,
      Map<String, byte[]> tokenizerFiles,
      ModelExport export) {
    var wanted = type != null ? type : uniformType(model.tensors());
    if (wanted != DType.F32 && wanted != DType.F16 && wanted != DType.BF16) {
      throw new IllegalArgumentException(
          "type is "
              + wanted
              + ", expected F32, F16 or BF16 for a Hugging Face folder; write GGUF for others");
    }
    var files = new TreeMap<>(tokenizerFiles);
    files.putIfAbsent(
        HuggingFaceFolder.GENERATION,
        PythonJson.write(model.generationConfig()).getBytes(StandardCharsets.UTF_8));
    model
        .device()
        .exclusively(() -> {
          var types = new TreeMap<String, DType>();
          WeightSpec.of(model.config()).forEach(spec -> types.put(spec.name(), wanted));
          try (var converted = converted(model, types, export)) {
            ModelWriter.writeFolder(folder, model.config(), converted, files);
          } catch (UncheckedIOException e) {
            throw cancelled(e);
          }
          return null;
        });
  }

  /** The type of the token embeddings where that is a plain one, else F32. */
  private static DType uniformType(Map<String, Tensor> tensors) {
    var embeddings = tensors.get("wte.weight");
    return embeddings != null && embeddings.type().isFloat() ? embeddings.type() : DType.F32;
  }

  /**
   * Writes a GGUF file that llama.cpp loads, with all matrices of one type.
   *
   * @param file replaced if it exists
   * @param type of the matrices, plain or quantized; rows that are not whole blocks of it become
   *     F32. Null for the types they have
   * @param tokenizer goes into the file; null for a file without one
   * @param name the model's name, for display
   * @throws java.io.UncheckedIOException when the file cannot be written
   * @see #save(Gpt2Model, Path, Quantization, Tokenizer)
   */
  public static void saveGguf(
      Gpt2Model model,
      Path file,
      @Nullable DType type,
      @Nullable Tokenizer tokenizer,
      String name) {
    var types = new TreeMap<String, DType>();
    if (type != null) {
      checkOneType(type);
      for (var spec : WeightSpec.of(model.config())) {
        long columns = spec.shape()[spec.shape().length - 1];
        boolean fits = spec.isMatrix() && columns % type.blockSize() == 0;
        types.put(spec.name(), fits ? type : DType.F32);
      }
    }
    var export = ModelExport.builder().build();
    model
        .device()
        .exclusively(() -> {
          var header = ModelWriter.Header.of(model, name, tokenizer, export);
          writeGguf(model, file, types, header, export);
          return null;
        });
  }

  private static void checkOneType(DType type) {
    if (type != DType.F32 && !Quantizer.writes(type)) {
      throw new IllegalArgumentException(
          "type is " + type + ", expected a type for weights, such as F16, Q8_0 or Q4_K");
    }
    if (Quantizer.needsImportance(type)) {
      throw new IllegalArgumentException(
          "type is "
              + type
              + ", which needs an importance matrix: give one to save(Path, ModelExport)");
    }
  }

  private static void writeGguf(
      Gpt2Model model,
      Path file,
      Map<String, DType> types,
      ModelWriter.Header header,
      ModelExport export) {
    try (var converted = converted(model, types, export)) {
      ModelWriter.writeGguf(file, model.config(), converted, header);
    } catch (UncheckedIOException e) {
      throw cancelled(e);
    }
  }

  private static ConvertedWeights converted(
      Gpt2Model model, Map<String, DType> types, ModelExport export) {
    int threads = export.threads() == 0 ? model.device().threads() : export.threads();
    return new ConvertedWeights(model, types, export, threads);
  }

  /** An interrupt closes the file that is being written; it is the user's wish all the same. */
  private static RuntimeException cancelled(UncheckedIOException e) {
    for (Throwable cause = e; cause != null; cause = cause.getCause()) {
      if (cause instanceof ClosedByInterruptException) {
        var cancellation = new CancellationException("Saving was interrupted");
        cancellation.initCause(e);
        return cancellation;
      }
    }
    return e;
  }
}
