package io.github.ggml4j.io;

import io.github.ggml4j.format.ParameterNames;
import io.github.ggml4j.format.gguf.GgufFileType;
import io.github.ggml4j.format.gguf.GgufVocabulary;
import io.github.ggml4j.format.gguf.GgufWriter;
import io.github.ggml4j.format.internal.AtomicFiles;
import io.github.ggml4j.format.internal.PythonJson;
import io.github.ggml4j.format.safetensors.SafetensorsWriter;
import io.github.ggml4j.model.Gpt2Config;
import io.github.ggml4j.model.Gpt2Model;
import io.github.ggml4j.model.WeightInfo;
import io.github.ggml4j.model.WeightSource;
import io.github.ggml4j.model.WeightSpec;
import io.github.ggml4j.model.internal.GenerationConfigJson;
import io.github.ggml4j.model.internal.WeightLayout;
import io.github.ggml4j.quantization.ImportanceMatrix;
import io.github.ggml4j.quantization.Quantization;
import io.github.ggml4j.tensor.DType;
import io.github.ggml4j.tokenizer.AddedToken;
import io.github.ggml4j.tokenizer.Tokenizer;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Writes weights as a Hugging Face folder or a GGUF file. Weights are read one at a time, so that
 * they need not fit into memory together; linear weights may have either layout.
 *
 * <p>Existing files are replaced only after all new files are written.
 */
public final class ModelWriter {
  private static final System.Logger LOG = System.getLogger(ModelWriter.class.getName());

  private static final int QUANTIZATION_VERSION = 2;

  private ModelWriter() {}

  /**
   * Writes {@code config.json}, {@code generation_config.json} and {@code model.safetensors}, and
   * the files of the tokenizer, as Hugging Face's {@code save_pretrained} does.
   *
   * @param folder made if it does not exist; files of these names are replaced
   * @param config the model's configuration; its {@code dtype} is set to that of the weights
   * @param weights in F32, F16, BF16 or F64
   * @param tokenizerFiles further files by name, such as {@code tokenizer.json}; a {@code
   *     generation_config.json} among them replaces the usual one
   * @throws IllegalArgumentException when the weights are not those of the configuration or are
   *     quantized, or a file's name is not plain
   * @throws java.io.UncheckedIOException when the folder cannot be written
   */
  public static void writeFolder(
      Path folder, Gpt2Config config, WeightSource weights, Map<String, byte[]> tokenizerFiles) {
    boolean made = makeFolder(folder);
    boolean written = false;
    try (AtomicFiles files = new AtomicFiles()) {
      writeFolder(
          config,
          weights,
          tokenizerFiles,
          (name, content) ->
              files.stage(folder.resolve(name), out -> content.writeTo(out.channel())));
      files.commit();
      Files.deleteIfExists(folder.resolve(HuggingFaceFolder.INDEX)); // of an older, sharded model
      written = true;
    } catch (IOException e) {
      throw AtomicFiles.cannotWrite(folder, e);
    } finally {
      if (made && !written) {
        removeEmpty(folder);
      }
    }
  }

  /** Receives the files of a folder, one after the other. */
  @FunctionalInterface
  public interface FileSink {
    /** Writes the content of a file to a channel, which stays open. */
    @FunctionalInterface
    interface Content {
      /**
       * Writes everything.
       *
       * @throws IOException when the channel fails
       */
      void writeTo(WritableByteChannel channel) throws IOException;
    }

    /**
     * Receives a file.
     *
     * @throws IOException when it cannot be written
     */
    void accept(String name, Content content) throws IOException;
  }

  /**
   * As {@link #writeFolder(Path, Gpt2Config, WeightSource, Map)}, with files that the caller
   * writes: the weights first, then the others by name.
   *
   * @throws IllegalArgumentException as there
   * @throws IOException if {@code sink} throws it
   */
  public static void writeFolder(
      Gpt2Config config, WeightSource weights, Map<String, byte[]> tokenizerFiles, FileSink sink)
      throws IOException {
    Map<WeightSpec, WeightInfo> infos = checked(config, weights);
    SafetensorsWriter safetensors = new SafetensorsWriter().metadata("format", "pt");
    Map<String, byte[]> texts = new TreeMap<>();
    texts.put(
        HuggingFaceFolder.CONFIG,
        config.toBuilder()
            .other("dtype", torchName(weights.info(ParameterNames.WTE).dtype()))
            .build()
            .toJson()
            .getBytes(StandardCharsets.UTF_8));
    texts.put(
        HuggingFaceFolder.GENERATION,
        PythonJson.write(config.generationConfig()).getBytes(StandardCharsets.UTF_8));
    tokenizerFiles.forEach((name, bytes) -> texts.put(plain(name), bytes));
    try (TensorBuffer buffer = new TensorBuffer()) {
      for (Map.Entry<WeightSpec, WeightInfo> entry : infos.entrySet()) {
        WeightSpec spec = entry.getKey();
        WeightInfo info = entry.getValue();
        if (!info.dtype().isFloat()) {
          throw new IllegalArgumentException(
              info
                  + " is quantized; expected F32, F16, BF16 or F64 for a Hugging Face folder."
                  + " Convert it first, or write a GGUF file.");
        }
        boolean turn = spec.linear() && !info.transposed();
        safetensors.add(
            spec.name().equals(ParameterNames.LM_HEAD) ? spec.name() : "transformer." + spec.name(),
            info.dtype(),
            spec.storedShape(),
            () -> buffer.take(weights, info, turn, false));
      }
      sink.accept(HuggingFaceFolder.WEIGHTS, safetensors::writeTo);
    }
    for (Map.Entry<String, byte[]> text : texts.entrySet()) {
      sink.accept(
          text.getKey(),
          channel -> {
            ByteBuffer bytes = ByteBuffer.wrap(text.getValue());
            while (bytes.hasRemaining()) {
              channel.write(bytes);
            }
          });
    }
  }

  /**
   * Writes a GGUF file that llama.cpp loads.
   *
   * @param file replaced if it exists
   * @param config the model's configuration
   * @param weights matrices in any type of ggml, which must be {@code (out, in)} when quantized;
   *     vectors in any plain type, written as F32
   * @param vocabulary the tokenizer, or null for a model without one
   * @param name the model's name, for display
   * @throws IllegalArgumentException when the weights are not those of the configuration, the
   *     vocabulary is larger than the model's, or llama.cpp's GPT-2 cannot compute the model
   * @throws java.io.UncheckedIOException when the file cannot be written
   */
  public static void writeGguf(
      Path file,
      Gpt2Config config,
      WeightSource weights,
      @Nullable GgufVocabulary vocabulary,
      String name) {
    writeGguf(
        file, config, weights, new Header(name, vocabulary, config.generationConfig(), null, null));
  }

  /**
   * Other content of a GGUF file.
   *
   * @param name the model's name, for display
   * @param vocabulary null for a model without a tokenizer
   * @param generation options of generation
   * @param quantization null to tell by the types of the weights
   * @param importanceMatrix what the weights were quantized with, or null
   */
  record Header(
      String name,
      @Nullable GgufVocabulary vocabulary,
      Map<String, @Nullable Object> generation,
      @Nullable Quantization quantization,
      @Nullable ImportanceMatrix importanceMatrix) {
    static Header of(
        Gpt2Model model, String name, @Nullable Tokenizer tokenizer, ModelExport export) {
      return new Header(
          name,
          tokenizer == null ? null : ModelWriter.vocabulary(tokenizer),
          model.generationConfig(),
          export.quantization(),
          export.importanceMatrix());
    }
  }

  static void writeGguf(Path file, Gpt2Config config, WeightSource weights, Header header) {
    GgufVocabulary vocabulary = header.vocabulary();
    checkForGguf(config);
    Map<WeightSpec, WeightInfo> infos = checked(config, weights);
    GgufWriter gguf = new GgufWriter();
    gguf.putString(GgufModel.ARCHITECTURE_KEY, GgufModel.ARCHITECTURE);
    gguf.putString("general.type", "model");
    gguf.putString("general.name", header.name());
    gguf.putUint32(GgufModel.BLOCK_COUNT, config.nLayer());
    gguf.putUint32(GgufModel.CONTEXT_LENGTH, config.nPositions());
    gguf.putUint32(GgufModel.EMBEDDING_LENGTH, config.nEmbd());
    gguf.putUint32(GgufModel.FEED_FORWARD_LENGTH, config.nInner());
    gguf.putUint32(GgufModel.HEAD_COUNT, config.nHead());
    gguf.putFloat32(GgufModel.LAYER_NORM_EPSILON, (float) config.layerNormEpsilon());
    gguf.putUint32("gpt2.vocab_size", config.vocabSize());
    putFileType(gguf, infos, header.quantization());
    if (header.importanceMatrix() != null) {
      putImportance(gguf, header.importanceMatrix());
    }
    if (vocabulary == null) {
      gguf.putString("tokenizer.ggml.model", "none");
    } else {
      GgufVocabulary fitting = fitted(vocabulary, config.vocabSize());
      withIdsOf(header.generation(), config, fitting).putInto(gguf);
    }
    gguf.putString(GgufModel.GENERATION_CONFIG, PythonJson.write(header.generation()));
    try (TensorBuffer buffer = new TensorBuffer()) {
      for (Map.Entry<WeightSpec, WeightInfo> entry : infos.entrySet()) {
        WeightSpec spec = entry.getKey();
        WeightInfo info = entry.getValue();
        boolean vector = spec.shape().length == 1;
        if (vector && info.dtype().isQuantized()) {
          throw new IllegalArgumentException(info + " is quantized; expected a vector in F32");
        }
        gguf.add(
            spec.ggufName(),
            vector ? DType.F32 : info.dtype(),
            spec.shape(),
            () -> buffer.take(weights, info, info.transposed(), vector));
      }
      gguf.write(file);
    }
  }

  /** The vocabulary with one token for each embedding of the model. */
  private static GgufVocabulary fitted(GgufVocabulary vocabulary, int size) {
    int tokens = vocabulary.tokens().size();
    if (tokens <= size) {
      return vocabulary.padded(size);
    }
    GgufVocabulary fitted = vocabulary.withoutAddedFrom(size);
    LOG.log(
        System.Logger.Level.WARNING,
        () ->
            "The tokenizer has "
                + tokens
                + " tokens, but the model has vocab_size = "
                + size
                + ". The file leaves out "
                + String.join(", ", vocabulary.tokens().subList(size, tokens))
                + ".");
    return fitted;
  }

  /**
   * The vocabulary with the token ids of the options of generation, or else of the configuration,
   * or else its own. llama.cpp knows one id that ends a text, so it gets the first. A token that is
   * added to each text keeps its own id.
   */
  private static GgufVocabulary withIdsOf(
      Map<String, @Nullable Object> generation, Gpt2Config config, GgufVocabulary vocabulary) {
    return new GgufVocabulary(
        vocabulary.tokens(),
        vocabulary.types(),
        vocabulary.merges(),
        vocabulary.addBosToken()
            ? vocabulary.bosTokenId()
            : id(
                generation,
                "bos_token_id",
                config.bosTokenId(),
                vocabulary,
                vocabulary.bosTokenId()),
        vocabulary.addEosToken()
            ? vocabulary.eosTokenId()
            : id(
                generation,
                "eos_token_id",
                config.eosTokenId(),
                vocabulary,
                vocabulary.eosTokenId()),
        id(generation, "pad_token_id", config.padTokenId(), vocabulary, vocabulary.padTokenId()),
        vocabulary.addBosToken(),
        vocabulary.addEosToken(),
        vocabulary.addPrefixSpace());
  }

  private static @Nullable Integer id(
      Map<String, @Nullable Object> generation,
      String name,
      @Nullable Integer ofConfig,
      GgufVocabulary vocabulary,
      @Nullable Integer own) {
    int size = vocabulary.tokens().size();
    List<Integer> ids = GenerationConfigJson.ids("model", generation, name);
    if (!ids.isEmpty() && ids.getFirst() < size) {
      return ids.getFirst();
    }
    return ofConfig != null && ofConfig < size ? ofConfig : own;
  }

  /**
   * A tokenizer's vocabulary as {@link #writeGguf} takes it. A warning reports a tokenizer that a
   * GGUF file cannot describe completely.
   */
  public static GgufVocabulary vocabulary(Tokenizer tokenizer) {
    int[] types = new int[tokenizer.vocabSize()];
    Arrays.fill(types, GgufVocabulary.NORMAL);
    for (AddedToken token : tokenizer.addedTokens()) {
      types[token.id()] = token.special() ? GgufVocabulary.CONTROL : GgufVocabulary.USER_DEFINED;
    }
    List<String> tokens = new ArrayList<>(tokenizer.tokens());
    for (int id = 0; id < tokens.size(); id++) {
      if (tokens.get(id).isEmpty()) {
        tokens.set(id, "[PAD" + id + "]");
        types[id] = GgufVocabulary.UNUSED;
      }
    }
    if (!tokenizer.isVocabularyOnly()) {
      LOG.log(
          System.Logger.Level.WARNING,
          "The tokenizer has settings that a GGUF file cannot hold (a pre-tokenizer, an"
              + " unknown token, a post-processor, or flags of added tokens)."
              + " Some texts are encoded differently with the GGUF file.");
    }
    return new GgufVocabulary(
        tokens,
        types,
        tokenizer.merges(),
        idOrNull(tokenizer.bosTokenId()),
        idOrNull(tokenizer.eosTokenId()),
        idOrNull(tokenizer.padTokenId()),
        tokenizer.addsBosToken(),
        tokenizer.addsEosToken(),
        tokenizer.addsPrefixSpace());
  }

  private static @Nullable Integer idOrNull(int id) {
    return id < 0 ? null : (Integer) id;
  }

  /**
   * Checks whether {@link #writeGguf} can write a model: llama.cpp has one GPT-2, with tanh GELU
   * and scores divided by the root of the head size.
   *
   * @throws IllegalArgumentException when llama.cpp's GPT-2 cannot compute the model
   */
  public static void checkForGguf(Gpt2Config config) {
    if (!config.usesTanhGelu()) {
      throw new IllegalArgumentException(
          "activation_function is "
              + config.activationFunction()
              + "; expected gelu_new for a GGUF file, which knows no other for GPT-2. Write a"
              + " Hugging Face folder instead.");
    }
    if (!config.scaleAttnWeights() || config.scaleAttnByInverseLayerIdx()) {
      throw new IllegalArgumentException(
          "scale_attn_weights is "
              + config.scaleAttnWeights()
              + " and scale_attn_by_inverse_layer_idx is "
              + config.scaleAttnByInverseLayerIdx()
              + "; expected true and false for a GGUF file. Write a Hugging Face folder instead.");
    }
  }

  private static void putFileType(
      GgufWriter gguf, Map<WeightSpec, WeightInfo> infos, @Nullable Quantization quantization) {
    Map<DType, Integer> counts = new EnumMap<>(DType.class);
    infos.forEach((spec, info) -> {
      if (spec.linear()) {
        counts.merge(info.dtype(), 1, Integer::sum);
      }
    });
    DType most = DType.F32;
    for (Map.Entry<DType, Integer> entry : counts.entrySet()) {
      if (entry.getValue() > counts.getOrDefault(most, 0)) {
        most = entry.getKey();
      }
    }
    gguf.putUint32(
        "general.file_type",
        quantization != null ? quantization.fileType() : GgufFileType.of(most, counts.size() > 1));
    // Of files that are not quantized too, as llama.cpp's converter and llama-quantize write them
    gguf.putUint32("general.quantization_version", QUANTIZATION_VERSION);
  }

  /** The keys that llama-quantize writes about the importance matrix. */
  private static void putImportance(GgufWriter gguf, ImportanceMatrix matrix) {
    if (!matrix.sources().isEmpty()) {
      gguf.putString("quantize.imatrix.dataset", matrix.sources().getFirst());
    }
    gguf.putUint32("quantize.imatrix.entries_count", matrix.size());
    if (matrix.chunkCount() > 0) {
      gguf.putUint32("quantize.imatrix.chunks_count", matrix.chunkCount());
    }
  }

  private static Map<WeightSpec, WeightInfo> checked(Gpt2Config config, WeightSource weights) {
    Map<WeightSpec, WeightInfo> infos = new LinkedHashMap<>();
    for (WeightSpec spec : WeightSpec.of(config)) {
      infos.put(spec, checked(spec, weights));
    }
    return infos;
  }

  private static WeightInfo checked(WeightSpec spec, WeightSource weights) {
    if (!weights.names().contains(spec.name())) {
      throw new IllegalArgumentException(
          "the weights lack " + spec.name() + "; expected every weight of the configuration");
    }
    WeightInfo info = weights.info(spec.name());
    long[] expected = info.transposed() ? spec.storedShape() : spec.shape();
    if (!Arrays.equals(info.shape(), expected) || (info.transposed() && !spec.linear())) {
      throw new IllegalArgumentException(
          info + " does not fit the configuration; expected shape " + Arrays.toString(expected));
    }
    return info;
  }

  private static String torchName(DType dtype) {
    return switch (dtype) {
      case F16 -> "float16";
      case BF16 -> "bfloat16";
      case F64 -> "float64";
      default -> "float32";
    };
  }

  private static String plain(String name) {
    boolean taken =
        name.equals(HuggingFaceFolder.CONFIG)
            || name.equals(HuggingFaceFolder.WEIGHTS)
            || name.equals(HuggingFaceFolder.INDEX);
    boolean odd = name.isEmpty() || name.startsWith(".") || name.matches(".*[/\\\\:\\x00].*");
    if (taken || odd) {
      throw new IllegalArgumentException(
          "a tokenizer file is called '" + name + "'; expected a plain name such as vocab.json");
    }
    return name;
  }

  /** Creates the folder and its parents; returns whether it did not exist. */
  private static boolean makeFolder(Path folder) {
    if (Files.isDirectory(folder)) {
      return false;
    }
    try {
      Files.createDirectories(folder);
      return true;
    } catch (FileAlreadyExistsException e) {
      throw AtomicFiles.cannotWrite(
          folder, new IOException(e.getFile() + " is a file, not a folder", e));
    } catch (IOException e) {
      throw AtomicFiles.cannotWrite(folder, e);
    }
  }

  private static void removeEmpty(Path folder) {
    try {
      Files.deleteIfExists(folder);
    } catch (IOException e) {
      System.getLogger(ModelWriter.class.getName())
          .log(System.Logger.Level.WARNING, "Cannot remove " + folder, e);
    }
  }

  /** Memory for one transposed or converted tensor; valid until the next one is taken. */
  private static final class TensorBuffer implements AutoCloseable {
    private final List<Arena> current = new ArrayList<>(1);

    @SuppressWarnings("MustBeClosed") // closed by the next call or by close()
    MemorySegment take(WeightSource weights, WeightInfo info, boolean turn, boolean toFloat32) {
      close();
      Arena arena = Arena.ofConfined();
      current.add(arena);
      MemorySegment data = weights.data(info.name());
      if (turn) {
        return WeightLayout.transpose(data, info.dtype(), info.shape()[0], info.shape()[1], arena);
      }
      return toFloat32 ? WeightLayout.toFloat32(data, info.dtype(), arena) : data;
    }

    @Override
    public void close() {
      current.forEach(Arena::close);
      current.clear();
    }
  }
}
