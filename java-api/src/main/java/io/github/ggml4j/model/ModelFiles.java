package io.github.ggml4j.model;

import io.github.ggml4j.format.ModelFormatException;
import io.github.ggml4j.format.gguf.GgufFile;
import io.github.ggml4j.format.gguf.GgufVocabulary;
import io.github.ggml4j.tokenizer.Tokenizer;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A model on disk: a Hugging Face folder or a GGUF file, opened, checked and mapped. Opening reads
 * headers only, so that it takes the same short time for every size.
 *
 * <p>Memory management: owns the mapped files; weights are valid until {@link #close()}. May be
 * shared between threads.
 */
public final class ModelFiles implements AutoCloseable {
  /** What the model that comes with ggml4j is called where a path is expected. */
  public static final String BUNDLED = "bundled";

  private final Path path;
  private final Gpt2Config config;
  private final WeightSource weights;
  private final Map<String, @Nullable Object> generation;
  private final List<Integer> eosTokenIds;
  private final @Nullable GgufFile gguf;
  private @Nullable Tokenizer tokenizer;

  private ModelFiles(
      Path path,
      Gpt2Config config,
      Map<String, @Nullable Object> generation,
      WeightSource weights,
      @Nullable GgufFile gguf) {
    this.path = path;
    this.config = config;
    this.generation = generation;
    this.eosTokenIds = HuggingFaceFolder.eosTokenIds(path.toString(), generation, config);
    this.weights = weights;
    this.gguf = gguf;
  }

  /**
   * Opens a model by the name that a user gives.
   *
   * @param model the path of a Hugging Face folder or a {@code .gguf} file, or {@value #BUNDLED}
   * @throws ModelFormatException as {@link #open(Path)}
   */
  public static ModelFiles open(String model) {
    if (model.isEmpty()) {
      throw new IllegalArgumentException(
          "model is empty, expected the path of a Hugging Face folder or a .gguf file, or "
              + BUNDLED);
    }
    return model.equals(BUNDLED) ? bundled() : open(Path.of(model));
  }

  /**
   * Opens a model.
   *
   * @param path a folder with {@code config.json} and {@code model.safetensors} (or its index and
   *     shards), or a {@code .gguf} file
   * @throws ModelFormatException when there is no model, or one that is damaged or not supported
   * @throws UncheckedIOException when a file cannot be read
   */
  public static ModelFiles open(Path path) {
    if (Files.isDirectory(path)) {
      Gpt2Config config = Gpt2Config.read(configFile(path));
      Map<String, @Nullable Object> generation = HuggingFaceFolder.generation(path);
      WeightSource weights = HuggingFaceFolder.open(path, config);
      try {
        return new ModelFiles(path, config, generation, weights, null);
      } catch (RuntimeException e) {
        weights.close();
        throw e;
      }
    }
    checkExists(path);
    String name = String.valueOf(path.getFileName());
    if (name.endsWith(".safetensors") || name.endsWith(".json")) {
      throw ModelFormatException.of(
          path.toString(),
          "is one file of a Hugging Face folder",
          "the folder, or a .gguf file",
          "Give the folder that holds it.");
    }
    GgufFile file = GgufFile.open(path);
    try {
      Gpt2Config config = GgufModel.config(file);
      return new ModelFiles(path, config, Map.of(), GgufModel.weights(file, config), file);
    } catch (RuntimeException e) {
      file.close();
      throw e;
    }
  }

  /**
   * The model that comes with ggml4j: a small GPT-2 with GPT-2's own tokenizer, trained on stories
   * and novels in the public domain. It needs no download.
   *
   * @throws IllegalStateException when it is missing from the jar
   */
  public static ModelFiles bundled() {
    var file = GgufFile.of(BundledModel.bytes(), BUNDLED);
    var config = GgufModel.config(file);
    return new ModelFiles(
        Path.of(BUNDLED), config, Map.of(), GgufModel.weights(file, config), file);
  }

  /** The path as given; of the bundled model its name. */
  public Path path() {
    return path;
  }

  /** Whether this is a GGUF file and not a folder. */
  public boolean isGguf() {
    return gguf != null;
  }

  /** The model's configuration. */
  public Gpt2Config config() {
    return config;
  }

  /** The ids that end a text: those of {@code generation_config.json}, else the config's. */
  public List<Integer> eosTokenIds() {
    return eosTokenIds;
  }

  /** {@code generation_config.json} of a folder, empty without one. */
  Map<String, @Nullable Object> generation() {
    return generation;
  }

  /** The model's weights; closed together with this object. */
  public WeightSource weights() {
    return weights;
  }

  /**
   * The tokenizer of a GGUF file; empty for a folder and for a model without one.
   *
   * @throws ModelFormatException when it is damaged or not GPT-2's
   */
  public Optional<GgufVocabulary> vocabulary() {
    return gguf != null && GgufVocabulary.isIn(gguf)
        ? Optional.of(GgufVocabulary.of(gguf))
        : Optional.empty();
  }

  /**
   * The tokenizer's files of a folder by name, as {@link ModelWriter#writeFolder} takes them; empty
   * for a GGUF file.
   *
   * @throws ModelFormatException when one is too large to be what its name says
   * @throws UncheckedIOException when one cannot be read
   */
  public Map<String, byte[]> tokenizerFiles() {
    return gguf != null ? Map.of() : HuggingFaceFolder.tokenizerFiles(path);
  }

  /**
   * The model's tokenizer, read at the first call.
   *
   * @throws ModelFormatException when there is none, or one that is damaged or not GPT-2's kind
   * @throws IllegalStateException when this was closed before the first call
   */
  public synchronized Tokenizer tokenizer() {
    Tokenizer known = tokenizer;
    if (known == null) {
      known = gguf == null ? Tokenizer.load(path) : GgufModel.tokenizer(gguf);
      tokenizer = known;
    }
    return known;
  }

  /**
   * Reads a tokenizer where there may be no model.
   *
   * @param path a folder with a tokenizer's files, or a {@code .gguf} file with a vocabulary
   * @throws ModelFormatException when there is none, or one that is damaged or not GPT-2's kind
   * @throws UncheckedIOException when a file cannot be read
   */
  public static Tokenizer readTokenizer(Path path) {
    if (Files.isDirectory(path)) {
      return Tokenizer.load(path);
    }
    checkExists(path);
    try (GgufFile file = GgufFile.open(path)) {
      return GgufModel.tokenizer(file);
    }
  }

  /** One line: path, size of the model, types of the weights. */
  public String describe() {
    Map<String, Integer> types = new TreeMap<>();
    long elements = 0;
    long bytes = 0;
    for (String name : weights.names()) {
      WeightInfo info = weights.info(name);
      types.merge(info.dtype().name(), 1, Integer::sum);
      elements += info.elements();
      bytes += info.byteSize();
    }
    return String.format(
        Locale.ROOT,
        "%s: GPT-2, %d layers, width %d, %,d parameters, %,d bytes, tensors by type %s",
        path,
        config.nLayer(),
        config.nEmbd(),
        elements,
        bytes,
        types);
  }

  /** Unmaps the files; further calls have no effect. */
  @Override
  public void close() {
    weights.close();
  }

  private static void checkExists(Path path) {
    if (!Files.exists(path)) {
      throw new ModelFormatException(
          path
              + ": no such file or folder"
              + (path.isAbsolute() ? "" : ", looked for " + path.toAbsolutePath())
              + "; expected a Hugging Face folder, a .gguf file or \""
              + BUNDLED
              + "\". Names on the Hugging Face Hub are not looked up: give the path of a copy.");
    }
  }

  private static Path configFile(Path folder) {
    Path config = folder.resolve(HuggingFaceFolder.CONFIG);
    if (!Files.exists(config)) {
      throw ModelFormatException.of(
          folder.toString(),
          "has no " + HuggingFaceFolder.CONFIG,
          "a folder as Hugging Face's save_pretrained writes it",
          "Give the folder of a model, or a .gguf file.");
    }
    return config;
  }
}
