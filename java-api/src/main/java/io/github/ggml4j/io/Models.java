package io.github.ggml4j.io;

import io.github.ggml4j.format.ParameterNames;
import io.github.ggml4j.format.internal.PythonJson;
import io.github.ggml4j.model.Gpt2Model;
import io.github.ggml4j.model.WeightSpec;
import io.github.ggml4j.tensor.DType;
import io.github.ggml4j.tensor.Device;
import io.github.ggml4j.tensor.Tensor;
import io.github.ggml4j.tokenizer.Tokenizer;
import java.io.UncheckedIOException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Locale;
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
  private static final System.Logger LOG = System.getLogger(Models.class.getName());

  private static final String GGUF_SUFFIX = ".gguf";

  private Models() {}

  /**
   * Loads a model of any form that {@link ModelFiles#open(Path)} reads onto the CPU.
   *
   * @throws io.github.ggml4j.format.ModelFormatException if the files are damaged, incomplete or of
   *     a kind that is not supported
   */
  public static Gpt2Model load(Path path) {
    return load(path, Device.cpu());
  }

  /**
   * Loads a model of any form that {@link ModelFiles#open(Path)} reads.
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
   * Existing files are replaced only after the new ones are complete.
   *
   * @param path a GGUF file if the name ends with {@code .gguf}, else a folder, which can hold F32,
   *     F16 and BF16
   * @throws io.github.ggml4j.error.InvalidArgumentException if the model cannot be written in the
   *     chosen types, or the importance matrix belongs to another model or is given for a folder
   * @throws IllegalArgumentException if llama.cpp cannot compute the model, or weights are not
   *     finite
   * @throws java.io.UncheckedIOException if the files cannot be written
   * @throws CancellationException if the thread is interrupted; it stays interrupted, and nothing
   *     is left behind
   */
  public static void save(Gpt2Model model, Path path, ModelExport export) {
    model
        .device()
        .exclusively(() -> {
          if (isGguf(path)) {
            saveGguf(model, path, export);
          } else {
            saveFolder(model, path, export);
          }
          return null;
        });
  }

  /** Whether {@link #save} writes a GGUF file to this path and not a folder. */
  public static boolean isGguf(Path path) {
    return fileName(path).toLowerCase(Locale.ROOT).endsWith(GGUF_SUFFIX);
  }

  private static String fileName(Path path) {
    return String.valueOf(path.getFileName());
  }

  private static void saveGguf(Gpt2Model model, Path file, ModelExport export) {
    var present = new TreeMap<String, DType>();
    model.tensors().forEach((name, tensor) -> present.put(name, tensor.type()));
    var types = export.ggufTypes(model.config(), present);
    var fileName = fileName(file);
    var name =
        export.name() != null
            ? export.name()
            : fileName.substring(0, fileName.length() - GGUF_SUFFIX.length());
    var header = ModelWriter.Header.of(model, name, export.tokenizer(), export);
    try (var converted = converted(model, types, export)) {
      ModelWriter.writeGguf(file, model.config(), converted, header);
    } catch (UncheckedIOException e) {
      throw cancelled(e);
    }
  }

  private static void saveFolder(Gpt2Model model, Path folder, ModelExport export) {
    var type = export.folderType(embeddingType(model.tensors()));
    if (export.name() != null) {
      LOG.log(
          System.Logger.Level.WARNING,
          () ->
              "The name \""
                  + export.name()
                  + "\" is not written: only a GGUF file has one, and "
                  + folder
                  + " becomes a Hugging Face folder.");
    }
    var types = new TreeMap<String, DType>();
    WeightSpec.of(model.config()).forEach(spec -> types.put(spec.name(), type));
    var files = otherFiles(model, export.tokenizer());
    try (var converted = converted(model, types, export)) {
      ModelWriter.writeFolder(folder, model.config(), converted, files);
    } catch (UncheckedIOException e) {
      throw cancelled(e);
    }
  }

  /**
   * The files of a Hugging Face folder beside configuration and weights: those of the tokenizer,
   * and {@code generation_config.json}.
   *
   * @param tokenizer null for a model without one
   * @return the contents by name
   */
  public static Map<String, byte[]> otherFiles(Gpt2Model model, @Nullable Tokenizer tokenizer) {
    Map<String, byte[]> files =
        new TreeMap<>(
            tokenizer == null
                ? Map.<String, byte[]>of()
                : tokenizer.files(model.config().nPositions()));
    files.putIfAbsent(
        HuggingFaceFolder.GENERATION,
        PythonJson.write(model.generationConfig()).getBytes(StandardCharsets.UTF_8));
    return files;
  }

  /** The type of the token embeddings if it is not quantized, else F32. */
  private static DType embeddingType(Map<String, Tensor> tensors) {
    var embeddings = tensors.get(ParameterNames.WTE);
    return embeddings != null && embeddings.type().isFloat() ? embeddings.type() : DType.F32;
  }

  private static ConvertedWeights converted(
      Gpt2Model model, Map<String, DType> types, ModelExport export) {
    int threads = export.threads() == 0 ? model.device().threads() : export.threads();
    return new ConvertedWeights(model, types, export, threads);
  }

  /** An interrupt closes the file that is being written, which is reported as cancelling. */
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
