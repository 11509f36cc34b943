package io.github.ggml4j.io;

import io.github.ggml4j.format.ModelFormatException;
import io.github.ggml4j.format.gguf.GgufFile;
import io.github.ggml4j.format.gguf.GgufVocabulary;
import io.github.ggml4j.format.llmc.LlmcFile;
import io.github.ggml4j.format.llmc.LlmcHeader;
import io.github.ggml4j.hub.Hub;
import io.github.ggml4j.hub.HubRepo;
import io.github.ggml4j.model.GenerationDefaults;
import io.github.ggml4j.model.Gpt2Config;
import io.github.ggml4j.model.WeightInfo;
import io.github.ggml4j.model.WeightSource;
import io.github.ggml4j.tokenizer.Tokenizer;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A model on disk, opened, checked and mapped: a Hugging Face folder, a GGUF file, a folder as
 * OpenAI published GPT-2, or a file of llm.c. Opening reads headers only, so that it takes the same
 * short time for every size.
 *
 * <p>Memory management: owns the mapped files; weights are valid until {@link #close()}. May be
 * shared between threads.
 */
public final class ModelFiles implements AutoCloseable {
  /** The name of the model that is part of ggml4j, in place of a path. */
  public static final String BUNDLED = "bundled";

  private final Path path;
  private final Gpt2Config config;
  private final WeightSource weights;
  private final GenerationDefaults generation;
  private final @Nullable GgufFile gguf;
  private final Supplier<Tokenizer> tokenizerSource;
  private final BooleanSupplier tokenizerIsThere;
  private @Nullable Tokenizer tokenizer;

  private ModelFiles(
      Path path,
      Gpt2Config config,
      Map<String, @Nullable Object> generation,
      WeightSource weights,
      @Nullable GgufFile gguf,
      Supplier<Tokenizer> tokenizerSource,
      BooleanSupplier tokenizerIsThere) {
    this.path = path;
    this.config = config;
    this.generation = GenerationDefaults.of(path.toString(), generation);
    this.weights = weights;
    this.gguf = gguf;
    this.tokenizerSource = tokenizerSource;
    this.tokenizerIsThere = tokenizerIsThere;
  }

  /**
   * As {@link #open(String, Supplier, String)} with revision {@code main} and the Hub that the
   * environment variables name.
   */
  public static ModelFiles open(String model) {
    return open(model, Hub::defaults, HubRepo.MAIN);
  }

  /**
   * Opens a model by path or name.
   *
   * @param model {@value #BUNDLED}, or an existing path as {@link #open(Path)} takes it, or the
   *     name of a model on the Hub: {@code gpt2}, {@code org/name} or {@code org/name/file.gguf}. A
   *     path takes precedence over a name. A model of the Hub is downloaded unless it is in the
   *     cache
   * @param hub supplies the Hub; called only if the model is not a path
   * @param revision the branch, tag or commit on the Hub
   * @throws ModelFormatException as {@link #open(Path)}
   * @throws io.github.ggml4j.hub.HubException when it cannot be downloaded
   */
  public static ModelFiles open(String model, Supplier<Hub> hub, String revision) {
    return model.equals(BUNDLED) ? bundled() : open(ModelName.locate(model, hub, revision));
  }

  /**
   * Opens a model. Its form is detected from the content of the path.
   *
   * @param path a folder with {@code config.json} and {@code model.safetensors} or {@code
   *     pytorch_model.bin} (or the index and shards of one of these); a GGUF file or a folder with
   *     one; a folder with {@code hparams.json} and a checkpoint of TensorFlow; or a model file of
   *     llm.c
   * @throws ModelFormatException when there is no model, or one that is damaged or not supported
   * @throws UncheckedIOException when a file cannot be read
   */
  public static ModelFiles open(Path path) {
    checkExists(path);
    ModelForm.Found found = ModelForm.of(path);
    return switch (found.form()) {
      case HUGGING_FACE_FOLDER -> {
        Gpt2Config config = Gpt2Config.read(path.resolve(HuggingFaceFolder.CONFIG));
        Map<String, @Nullable Object> generation = HuggingFaceFolder.generation(path, config);
        HuggingFaceFolder.Content content = HuggingFaceFolder.open(path, config);
        yield of(path, content.config(), generation, content.weights());
      }
      case TENSORFLOW_FOLDER -> {
        Gpt2Config config = TensorFlowFolder.config(path);
        yield of(path, config, config.generationConfig(), TensorFlowFolder.weights(path, config));
      }
      case GGUF_FILE -> openGguf(found.path());
      case LLMC_FILE -> openLlmc(path);
    };
  }

  /** A folder's files, which include its tokenizer. */
  private static ModelFiles of(
      Path folder,
      Gpt2Config config,
      Map<String, @Nullable Object> generation,
      WeightSource weights) {
    try {
      return new ModelFiles(
          folder,
          config,
          generation,
          weights,
          null,
          () -> Tokenizer.load(folder),
          () -> Tokenizer.isIn(folder));
    } catch (RuntimeException e) {
      weights.close();
      throw e;
    }
  }

  private static ModelFiles openGguf(Path path) {
    GgufFile file = GgufFile.open(path);
    try {
      return of(path, file);
    } catch (RuntimeException e) {
      file.close();
      throw e;
    }
  }

  private static ModelFiles of(Path path, GgufFile file) {
    Gpt2Config config = GgufModel.config(file);
    WeightSource weights = GgufModel.weights(file, config);
    return new ModelFiles(
        path,
        config,
        GgufModel.generation(file, config),
        weights,
        file,
        () -> GgufModel.tokenizer(file),
        () -> GgufVocabulary.isIn(file));
  }

  private static ModelFiles openLlmc(Path path) {
    LlmcFile file = LlmcFile.open(path);
    try {
      Gpt2Config config = LlmcModel.config(file);
      LlmcHeader header = file.header();
      return new ModelFiles(
          path,
          config,
          config.generationConfig(),
          LlmcModel.weights(file, config),
          null,
          () -> LlmcModel.tokenizer(path, header),
          () -> LlmcModel.hasTokenizer(path, header));
    } catch (RuntimeException e) {
      file.close();
      throw e;
    }
  }

  /**
   * Opens the model that is part of ggml4j: a small GPT-2 with GPT-2's own tokenizer, trained on
   * stories and novels in the public domain.
   *
   * @throws IllegalStateException when it is missing from the jar
   */
  public static ModelFiles bundled() {
    return of(Path.of(BUNDLED), GgufFile.of(BundledModel.bytes(), BUNDLED));
  }

  /** The path as given; {@value #BUNDLED} for the bundled model. */
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

  /**
   * The ids that end a text: those of {@code generation_config.json} if there is one, none if it
   * names none; else the configuration's.
   */
  public List<Integer> eosTokenIds() {
    return generation.eosTokenIds();
  }

  /** Options of generation, see {@link io.github.ggml4j.model.Gpt2Model#generationConfig}. */
  GenerationDefaults generation() {
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
   * The tokenizer's files of a Hugging Face folder by name, as {@link ModelWriter#writeFolder}
   * takes them; empty for the other forms, see {@link Tokenizer#files()}.
   *
   * @throws ModelFormatException when one is too large to be what its name says
   * @throws UncheckedIOException when one cannot be read
   */
  public Map<String, byte[]> tokenizerFiles() {
    return gguf == null && Files.isDirectory(path)
        ? HuggingFaceFolder.tokenizerFiles(path)
        : Map.of();
  }

  /** Whether the folder or file contains a tokenizer. */
  public boolean hasTokenizer() {
    return tokenizerIsThere.getAsBoolean();
  }

  /**
   * The model's tokenizer; read at the first call and kept.
   *
   * @throws ModelFormatException when there is none, or one that is damaged or not GPT-2's kind
   * @throws IllegalStateException when this was closed before the first call
   */
  public synchronized Tokenizer tokenizer() {
    Tokenizer known = tokenizer;
    if (known == null) {
      known = tokenizerSource.get();
      tokenizer = known;
    }
    return known;
  }

  /**
   * Reads a configuration; weights need not be there. For a folder this is {@code config.json} as
   * it stands, even if the weights contradict its {@code tie_word_embeddings}.
   *
   * @param path as {@link #open(Path)} takes it
   * @throws ModelFormatException when there is none, or one that is damaged or not supported
   * @throws UncheckedIOException when a file cannot be read
   */
  public static Gpt2Config readConfig(Path path) {
    checkExists(path);
    ModelForm.Found found = ModelForm.of(path);
    return switch (found.form()) {
      case HUGGING_FACE_FOLDER -> Gpt2Config.read(path.resolve(HuggingFaceFolder.CONFIG));
      case TENSORFLOW_FOLDER -> TensorFlowFolder.config(path);
      case GGUF_FILE -> {
        try (GgufFile file = GgufFile.open(found.path())) {
          yield GgufModel.config(file);
        }
      }
      case LLMC_FILE -> {
        try (LlmcFile file = LlmcFile.open(path)) {
          yield LlmcModel.config(file);
        }
      }
    };
  }

  /**
   * Reads a configuration by the name that a user gives, as {@link #open(String, Supplier, String)}
   * finds it; of a model on the Hub only {@code config.json} is downloaded.
   *
   * @throws ModelFormatException when there is none, or one that is damaged or not supported
   * @throws io.github.ggml4j.hub.HubException when it cannot be downloaded
   */
  public static Gpt2Config readConfig(String model, Supplier<Hub> hub, String revision) {
    if (!model.equals(BUNDLED)) {
      return readConfig(ModelName.locateConfig(model, hub, revision));
    }
    try (ModelFiles files = bundled()) {
      return files.config();
    }
  }

  /**
   * Reads a tokenizer; a model need not be there.
   *
   * @param path a folder with a tokenizer's files, a GGUF file with a vocabulary, or a model file
   *     of llm.c
   * @throws ModelFormatException when there is none, or one that is damaged or not GPT-2's kind
   * @throws UncheckedIOException when a file cannot be read
   */
  public static Tokenizer readTokenizer(Path path) {
    checkExists(path);
    if (Files.isDirectory(path)) {
      return Tokenizer.load(path);
    }
    if (ModelForm.of(path).form() == ModelForm.LLMC_FILE) {
      try (LlmcFile file = LlmcFile.open(path)) {
        return LlmcModel.tokenizer(path, file.header());
      }
    }
    try (GgufFile file = GgufFile.open(path)) {
      return GgufModel.tokenizer(file);
    }
  }

  /**
   * Reads a tokenizer by the name that a user gives, as {@link #open(String, Supplier, String)}
   * finds it; of a model on the Hub only the tokenizer is downloaded.
   *
   * @throws ModelFormatException when there is none, or one that is damaged or not GPT-2's kind
   * @throws io.github.ggml4j.hub.HubException when it cannot be downloaded
   */
  public static Tokenizer readTokenizer(String model, Supplier<Hub> hub, String revision) {
    if (!model.equals(BUNDLED)) {
      return readTokenizer(ModelName.locateTokenizer(model, hub, revision));
    }
    try (ModelFiles files = bundled()) {
      return files.tokenizer();
    }
  }

  /** A line with path, size of the model and types of the weights. */
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

  /** Unmaps the files; closing twice is allowed. */
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
              + "; expected "
              + ModelForm.ALL
              + ". Names on the Hugging Face Hub are no paths: give them as text.");
    }
  }
}
