package io.github.ggml4j.model;

import io.github.ggml4j.format.internal.PythonJson;
import io.github.ggml4j.tensor.DType;
import io.github.ggml4j.tensor.Device;
import io.github.ggml4j.tensor.MemoryEstimate;
import io.github.ggml4j.tensor.Quantizer;
import io.github.ggml4j.tensor.Tensor;
import io.github.ggml4j.tokenizer.Tokenizer;
import java.io.UncheckedIOException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * A GPT-2 language model, loaded on a device.
 *
 * <p>Thread-safe: any number of sessions may use it at once. Its weights do not change, except
 * through a trainer, which changes them between steps: what generates meanwhile uses the newest.
 *
 * <p><b>Memory management.</b> Owns its weights and its device. A model cannot be closed while
 * sessions are open; closing twice is allowed.
 */
public final class Gpt2Model implements AutoCloseable {
  private static final String GGUF_SUFFIX = ".gguf";

  private final Gpt2Config config;
  private final Device device;
  private final String origin;
  private final Map<String, @Nullable Object> generation;
  private final List<Integer> eosTokenIds;
  private final AtomicInteger sessions = new AtomicInteger();
  private volatile Gpt2Weights weights;
  private volatile boolean closed;

  private Gpt2Model(
      Gpt2Config config,
      Map<String, @Nullable Object> generation,
      List<Integer> eosTokenIds,
      Device device,
      String origin,
      Gpt2Weights weights) {
    this.config = config;
    this.generation = generation;
    this.eosTokenIds = eosTokenIds;
    this.device = device;
    this.origin = origin;
    this.weights = weights;
  }

  /**
   * Loads a model of any form that {@link ModelFiles#open(Path)} knows onto the CPU.
   *
   * @throws io.github.ggml4j.format.ModelFormatException when the files are damaged, incomplete or
   *     of a kind that is not supported
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
    try {
      var origin = files.path().toString();
      var weights = Gpt2Weights.load(files.config(), files.weights(), device, origin);
      return new Gpt2Model(
          files.config(), files.generation(), files.eosTokenIds(), device, origin, weights);
    } catch (RuntimeException | Error e) {
      device.close();
      throw e;
    }
  }

  /**
   * A model with fresh weights, as GPT-2 begins training.
   *
   * @param device becomes owned by the model
   * @param seed the same seed gives the same weights
   */
  public static Gpt2Model random(Gpt2Config config, Device device, long seed) {
    try {
      var weights = Gpt2Weights.random(config, device, seed);
      var eos = HuggingFaceFolder.eosTokenIds("a new model", Map.of(), config);
      return new Gpt2Model(config, Map.of(), eos, device, "a new model", weights);
    } catch (RuntimeException | Error e) {
      device.close();
      throw e;
    }
  }

  /** Its hyperparameters; prints as Hugging Face's {@code config.json}. */
  public Gpt2Config config() {
    return config;
  }

  /**
   * The ids that end a text: those of {@code generation_config.json} where the folder has them, as
   * in transformers, else the config's; perhaps none.
   */
  public List<Integer> eosTokenIds() {
    return eosTokenIds;
  }

  /**
   * The {@code generation_config.json} of the folder that this was loaded from, by Hugging Face's
   * names; empty where there was none.
   */
  public Map<String, @Nullable Object> generationConfig() {
    return Collections.unmodifiableMap(generation);
  }

  /** Where it was loaded from, for messages. */
  public String origin() {
    return origin;
  }

  /** Where it lives. */
  public Device device() {
    return device;
  }

  /**
   * The tree of modules as PyTorch prints it, with the shapes and the number of parameters of each
   * layer, the total, and the memory they take.
   */
  public String summary() {
    checkOpen();
    return ModelSummary.of(config, weights.tensors(), weights.bytes(), device);
  }

  /** The number of parameters; tied ones count once. */
  public long parameterCount() {
    return WeightSpec.of(config).stream().mapToLong(WeightSpec::elements).sum();
  }

  /** Bytes of the device's memory that the weights take; those used in a mapped file take none. */
  public long allocatedBytes() {
    checkOpen();
    return weights.allocatedBytes();
  }

  /**
   * What generation takes of the device's memory: the weights, the cache of keys and values, and
   * the graphs.
   *
   * @param sequences how many texts advance together, from one prompt
   * @param promptLength tokens that they begin with
   * @param length tokens of each in the end
   */
  public MemoryEstimate estimateMemory(int sequences, int promptLength, int length) {
    checkOpen();
    return SessionMemory.estimate(this, sequences, promptLength, length);
  }

  /** A session with room for a few tokens, growing as needed. */
  public InferenceSession newSession() {
    return newSession(0);
  }

  /**
   * A session.
   *
   * @param expectedTokens how many tokens all its sequences are expected to have, shared ones
   *     counted once; more are possible
   */
  public InferenceSession newSession(int expectedTokens) {
    checkOpen();
    sessions.incrementAndGet();
    try {
      return new InferenceSession(this, expectedTokens);
    } catch (RuntimeException | Error e) {
      sessions.decrementAndGet();
      throw e;
    }
  }

  /** A session that computes how well this model foretells given texts. */
  public ScoringSession newScoringSession() {
    checkOpen();
    sessions.incrementAndGet();
    return new ScoringSession(this);
  }

  void sessionClosed() {
    sessions.decrementAndGet();
  }

  /**
   * The logits behind every token of a text.
   *
   * @param tokens 1 to {@code nPositions} ids
   * @return {@code (tokens, vocabSize)}
   */
  public float[][] logits(int... tokens) {
    try (var session = newSession(tokens.length)) {
      session.stepAll(session.newSequence(), tokens);
      var result = new float[tokens.length][config.vocabSize()];
      for (int i = 0; i < tokens.length; i++) {
        session.logits(i, result[i]);
      }
      return result;
    }
  }

  /**
   * The negative log-likelihood, in nats, of every token of a text but its first, each after those
   * before it.
   *
   * @param tokens 2 to {@code nPositions} ids
   * @return {@code (tokens - 1)}
   */
  public float[] negativeLogLikelihoods(int... tokens) {
    try (var session = newScoringSession()) {
      session.read(new int[][] {tokens}, 0);
      return session.losses();
    }
  }

  /** The weights by Hugging Face's names, linear weights as {@code (out, in)}; for reading. */
  public Map<String, Tensor> tensors() {
    checkOpen();
    return weights.tensors();
  }

  /**
   * Makes the weights trainable: F32, in one vector, which later training and all sessions then
   * share. Weights that are so already stay as they are.
   *
   * @return that vector in the order of {@link FlatLayout#of}
   */
  public Tensor trainableWeights() {
    return device.exclusively(() -> {
      checkOpen();
      var flat = weights.flat();
      if (flat == null) {
        var old = weights;
        weights = old.toFlat(config, device);
        old.close();
        flat = weights.flat();
      }
      if (flat == null) {
        throw new IllegalStateException("Trainable weights are one vector");
      }
      return flat;
    });
  }

  /**
   * Writes a GGUF file that llama.cpp loads, or a Hugging Face folder that transformers loads.
   *
   * @param path a GGUF file where it ends with {@code .gguf}, else a folder
   * @param quantization what the weights are stored as
   * @param tokenizer goes with it; null for a model without one
   * @see #save(Path, ModelExport)
   */
  public void save(Path path, Quantization quantization, @Nullable Tokenizer tokenizer) {
    save(path, ModelExport.builder().quantization(quantization).tokenizer(tokenizer).build());
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
  public void save(Path path, ModelExport export) {
    var file = String.valueOf(path.getFileName());
    if (!file.endsWith(GGUF_SUFFIX)) {
      saveFolder(path, export);
      return;
    }
    var name =
        export.name() != null
            ? export.name()
            : file.substring(0, file.length() - GGUF_SUFFIX.length());
    device.exclusively(() -> {
      checkOpen();
      var present = new TreeMap<String, DType>();
      weights.tensors().forEach((key, tensor) -> present.put(key, tensor.type()));
      var types = export.types(config, present);
      var header = ModelWriter.Header.of(name, export.tokenizer(), export);
      writeGguf(path, types, header, export);
      return null;
    });
  }

  private void saveFolder(Path folder, ModelExport export) {
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
        folder,
        quantization == null ? null : quantization.type(),
        tokenizer == null ? Map.of() : tokenizer.files(),
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
  public void saveFolder(Path folder, @Nullable DType type, Map<String, byte[]> tokenizerFiles) {
    saveFolder(folder, type, tokenizerFiles, ModelExport.builder().build());
  }

  private void saveFolder(
      Path folder, @Nullable DType type, Map<String, byte[]> tokenizerFiles, ModelExport export) {
    checkOpen();
    var wanted = type != null ? type : uniformType();
    if (wanted != DType.F32 && wanted != DType.F16 && wanted != DType.BF16) {
      throw new IllegalArgumentException(
          "type is "
              + wanted
              + ", expected F32, F16 or BF16 for a Hugging Face folder; write GGUF for others");
    }
    var files = new TreeMap<>(tokenizerFiles);
    if (!generation.isEmpty()) {
      files.putIfAbsent(
          HuggingFaceFolder.GENERATION,
          PythonJson.write(generation).getBytes(StandardCharsets.UTF_8));
    }
    device.exclusively(() -> {
      var types = new TreeMap<String, DType>();
      WeightSpec.of(config).forEach(spec -> types.put(spec.name(), wanted));
      try (var converted = converted(types, export)) {
        ModelWriter.writeFolder(folder, config, converted, files);
      } catch (UncheckedIOException e) {
        throw cancelled(e);
      }
      return null;
    });
  }

  /** The type of the token embeddings where that is a plain one, else F32. */
  private DType uniformType() {
    var embeddings = weights.tensor("wte.weight").type();
    return embeddings.isFloat() ? embeddings : DType.F32;
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
   * @see #save(Path, Quantization, Tokenizer)
   */
  public void saveGguf(
      Path file, @Nullable DType type, @Nullable Tokenizer tokenizer, String name) {
    var types = new TreeMap<String, DType>();
    if (type != null) {
      checkOneType(type);
      for (var spec : WeightSpec.of(config)) {
        long columns = spec.shape()[spec.shape().length - 1];
        boolean fits = spec.isMatrix() && columns % type.blockSize() == 0;
        types.put(spec.name(), fits ? type : DType.F32);
      }
    }
    var export = ModelExport.builder().build();
    device.exclusively(() -> {
      checkOpen();
      writeGguf(file, types, ModelWriter.Header.of(name, tokenizer, export), export);
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

  private void writeGguf(
      Path file, Map<String, DType> types, ModelWriter.Header header, ModelExport export) {
    try (var converted = converted(types, export)) {
      ModelWriter.writeGguf(file, config, converted, header);
    } catch (UncheckedIOException e) {
      throw cancelled(e);
    }
  }

  private ConvertedWeights converted(Map<String, DType> types, ModelExport export) {
    int threads = export.threads() == 0 ? device.threads() : export.threads();
    return new ConvertedWeights(this, types, export, threads);
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

  Gpt2Weights weights() {
    checkOpen();
    return weights;
  }

  void checkOpen() {
    if (closed) {
      throw new IllegalStateException("Already closed: model " + origin);
    }
  }

  @Override
  public void close() {
    device.betweenComputations(() -> {
      if (closed) {
        return;
      }
      if (sessions.get() > 0) {
        throw new IllegalStateException(
            "Model " + origin + " has " + sessions.get() + " open sessions; close them first");
      }
      closed = true;
      weights.close();
    });
    device.close();
  }

  @Override
  public String toString() {
    return "Gpt2Model[" + origin + " on " + device + "]";
  }
}
