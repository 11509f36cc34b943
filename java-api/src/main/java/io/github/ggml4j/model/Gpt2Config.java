package io.github.ggml4j.model;

import io.github.ggml4j.error.InvalidArgumentException;
import io.github.ggml4j.format.ModelFormatException;
import io.github.ggml4j.format.internal.Json;
import io.github.ggml4j.model.internal.GenerationConfigJson;
import io.github.ggml4j.nn.Activation;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Configuration of a GPT-2 model, as Hugging Face's {@code GPT2Config} (source: {@code
 * transformers/models/gpt2/configuration_gpt2.py}). The defaults are those of GPT-2 124M.
 *
 * <p>Immutable. The constructor checks every value, so each object describes a model that can be
 * built.
 *
 * @param vocabSize number of tokens, V
 * @param nPositions longest sequence in tokens, P
 * @param nEmbd width of the model, C
 * @param nLayer number of blocks, L
 * @param nHead attention heads per block, NH; divides {@code nEmbd}
 * @param nInner width inside the MLP; in JSON, {@code null} stands for {@code 4 * nEmbd}
 * @param activationFunction one of {@link #ACTIVATIONS}
 * @param residPdrop dropout after each projection, 0 to below 1
 * @param embdPdrop dropout after the embeddings, 0 to below 1
 * @param attnPdrop dropout of attention weights, 0 to below 1
 * @param layerNormEpsilon added to the variance in LayerNorm
 * @param initializerRange standard deviation of new weights
 * @param scaleAttnWeights whether attention scores are divided by the root of the head size
 * @param scaleAttnByInverseLayerIdx whether attention scores are also divided by layer index + 1
 * @param reorderAndUpcastAttn no effect: attention scores are always computed in F32
 * @param tieWordEmbeddings whether the output matrix is the token embedding
 * @param bosTokenId id of the beginning of text, or null
 * @param eosTokenIds ids that end a text, perhaps none
 * @param padTokenId id for padding, or null
 * @param other every other key of {@code config.json} with its value as Boolean, Long, Double,
 *     String, List, Map or null; kept and written back
 */
public record Gpt2Config(
    int vocabSize,
    int nPositions,
    int nEmbd,
    int nLayer,
    int nHead,
    int nInner,
    String activationFunction,
    double residPdrop,
    double embdPdrop,
    double attnPdrop,
    double layerNormEpsilon,
    double initializerRange,
    boolean scaleAttnWeights,
    boolean scaleAttnByInverseLayerIdx,
    boolean reorderAndUpcastAttn,
    boolean tieWordEmbeddings,
    @Nullable Integer bosTokenId,
    List<Integer> eosTokenIds,
    @Nullable Integer padTokenId,
    Map<String, @Nullable Object> other) {

  /** Names of the activation functions that can be computed, as Hugging Face calls them. */
  public static final Set<String> ACTIVATIONS = Activation.names();

  private static final int MAX_SIZE = 1 << 24;
  private static final int MAX_LAYERS = 4096;

  /**
   * Checks every value.
   *
   * @throws InvalidArgumentException if one is out of range; the parameter is the key in JSON
   */
  public Gpt2Config {
    checkRange("vocab_size", vocabSize, 1, MAX_SIZE);
    checkRange("n_positions", nPositions, 1, MAX_SIZE);
    checkRange("n_embd", nEmbd, 1, MAX_SIZE / 16);
    checkRange("n_layer", nLayer, 1, MAX_LAYERS);
    checkRange("n_head", nHead, 1, nEmbd);
    checkRange("n_inner", nInner, 1, MAX_SIZE);
    if (nEmbd % nHead != 0) {
      throw bad("n_embd", nEmbd, "a multiple of n_head (" + nHead + ")");
    }
    Activation.of(activationFunction); // checks it
    checkProbability("resid_pdrop", residPdrop);
    checkProbability("embd_pdrop", embdPdrop);
    checkProbability("attn_pdrop", attnPdrop);
    if (!(layerNormEpsilon > 0 && layerNormEpsilon <= 1)) {
      throw bad("layer_norm_epsilon", layerNormEpsilon, "a number above 0, at most 1");
    }
    if (!(initializerRange >= 0 && initializerRange <= 100)) {
      throw bad("initializer_range", initializerRange, "a number from 0 to 100");
    }
    checkId("bos_token_id", bosTokenId);
    eosTokenIds = List.copyOf(eosTokenIds);
    eosTokenIds.forEach(id -> checkId("eos_token_id", id));
    checkId("pad_token_id", padTokenId);
    Object type = other.getOrDefault("model_type", "gpt2");
    if (!"gpt2".equals(type)) {
      throw bad("model_type", type, "gpt2; other architectures are not supported");
    }
    if (Boolean.TRUE.equals(other.get("add_cross_attention"))) {
      throw bad("add_cross_attention", true, "false; encoder-decoder models are not supported");
    }
    if (other.get("quantization_config") != null) {
      throw bad(
          "quantization_config",
          "set",
          "weights in F32, F16 or BF16; for quantized weights use a GGUF file");
    }
    other = Collections.unmodifiableMap(new TreeMap<>(other));
  }

  /** GPT-2 with 124 million parameters: 12 layers of width 768. */
  public static Gpt2Config gpt2() {
    return builder().build();
  }

  /** GPT-2 medium, 355 million parameters: 24 layers of width 1024. */
  public static Gpt2Config gpt2Medium() {
    return builder().nLayer(24).nHead(16).nEmbd(1024).build();
  }

  /** GPT-2 large, 774 million parameters: 36 layers of width 1280. */
  public static Gpt2Config gpt2Large() {
    return builder().nLayer(36).nHead(20).nEmbd(1280).build();
  }

  /** GPT-2 XL, 1.5 billion parameters: 48 layers of width 1600. */
  public static Gpt2Config gpt2Xl() {
    return builder().nLayer(48).nHead(25).nEmbd(1600).build();
  }

  /** A builder that starts from GPT-2 124M. */
  public static Builder builder() {
    return new Builder();
  }

  /** A builder that starts from this configuration. */
  public Builder toBuilder() {
    Builder builder = new Builder();
    builder.vocabSize = vocabSize;
    builder.nPositions = nPositions;
    builder.nEmbd = nEmbd;
    builder.nLayer = nLayer;
    builder.nHead = nHead;
    builder.nInner = nInner == 4 * nEmbd ? null : (Integer) nInner;
    builder.activationFunction = activationFunction;
    builder.residPdrop = residPdrop;
    builder.embdPdrop = embdPdrop;
    builder.attnPdrop = attnPdrop;
    builder.layerNormEpsilon = layerNormEpsilon;
    builder.initializerRange = initializerRange;
    builder.scaleAttnWeights = scaleAttnWeights;
    builder.scaleAttnByInverseLayerIdx = scaleAttnByInverseLayerIdx;
    builder.reorderAndUpcastAttn = reorderAndUpcastAttn;
    builder.tieWordEmbeddings = tieWordEmbeddings;
    builder.bosTokenId = bosTokenId;
    builder.eosTokenIds = eosTokenIds;
    builder.padTokenId = padTokenId;
    builder.other = new LinkedHashMap<>(other);
    return builder;
  }

  /**
   * The default options of generation of a model without a {@code generation_config.json}, by
   * Hugging Face's names: token ids, and the options that older models have in {@code config.json}.
   */
  public Map<String, @Nullable Object> generationConfig() {
    return GenerationConfigJson.of(other, bosTokenId, eosTokenIds, padTokenId);
  }

  /** The first id that ends a text, or null if there is none. */
  public @Nullable Integer eosTokenId() {
    return eosTokenIds.isEmpty() ? null : eosTokenIds.getFirst();
  }

  /** Width of one attention head: {@code nEmbd / nHead}. */
  public int headSize() {
    return nEmbd / nHead;
  }

  /**
   * Checks ids of tokens.
   *
   * @throws InvalidArgumentException if one is not in the vocabulary; names its index
   */
  public void checkTokens(int... tokens) {
    for (int i = 0; i < tokens.length; i++) {
      if (tokens[i] < 0 || tokens[i] >= vocabSize) {
        throw new InvalidArgumentException(
            "Token " + i,
            tokens[i],
            "0 to " + (vocabSize - 1) + " (vocab_size " + vocabSize + ")",
            "Use the tokenizer of this model.");
      }
    }
  }

  /**
   * Reads a {@code config.json}.
   *
   * @throws ModelFormatException when it is missing, no JSON, or describes a model that is not
   *     supported
   */
  public static Gpt2Config read(Path file) {
    return Gpt2ConfigJson.read(Json.readObject(file), file.toString());
  }

  /**
   * Reads the text of a {@code config.json}. Missing keys take Hugging Face's defaults.
   *
   * @throws ModelFormatException when it is no JSON or describes a model that is not supported
   */
  public static Gpt2Config fromJson(String json) {
    return fromJson(json, "config.json");
  }

  /**
   * As {@link #fromJson(String)}.
   *
   * @param source name for error messages
   */
  public static Gpt2Config fromJson(String json, String source) {
    return Gpt2ConfigJson.read(Json.parseObject(json, source), source);
  }

  /**
   * This configuration as Hugging Face writes {@code config.json}: sorted keys, two spaces of
   * indentation, a final line feed.
   */
  public String toJson() {
    return Gpt2ConfigJson.write(this);
  }

  /** The text that {@code print(model.config)} shows: {@code GPT2Config} and the JSON. */
  @Override
  public String toString() {
    return "GPT2Config " + toJson();
  }

  private static void checkRange(String key, int value, int least, int most) {
    if (value < least || value > most) {
      throw bad(key, value, "a whole number from " + least + " to " + most);
    }
  }

  private static void checkProbability(String key, double value) {
    if (!(value >= 0 && value < 1)) {
      throw bad(key, value, "a probability from 0 to below 1");
    }
  }

  /** Whether the activation function is GPT-2's own GELU by tanh, under any of its names. */
  public boolean usesTanhGelu() {
    return Activation.of(activationFunction) == Activation.GELU_NEW;
  }

  private static void checkId(String key, @Nullable Integer value) {
    if (value != null && value < 0) {
      throw bad(key, value, "a token id of 0 or more, or null");
    }
  }

  static InvalidArgumentException bad(String key, @Nullable Object value, String expected) {
    return new InvalidArgumentException(key, String.valueOf(value), expected);
  }

  /** Builds a {@link Gpt2Config}; the defaults are those of GPT-2 124M. */
  public static final class Builder {
    private int vocabSize = 50257;
    private int nPositions = 1024;
    private int nEmbd = 768;
    private int nLayer = 12;
    private int nHead = 12;
    private @Nullable Integer nInner;
    private String activationFunction = "gelu_new";
    private double residPdrop = 0.1;
    private double embdPdrop = 0.1;
    private double attnPdrop = 0.1;
    private double layerNormEpsilon = 1e-5;
    private double initializerRange = 0.02;
    private boolean scaleAttnWeights = true;
    private boolean scaleAttnByInverseLayerIdx;
    private boolean reorderAndUpcastAttn;
    private boolean tieWordEmbeddings = true;
    private @Nullable Integer bosTokenId = 50256;
    private List<Integer> eosTokenIds = List.of(50256);
    private @Nullable Integer padTokenId;
    private Map<String, @Nullable Object> other = new LinkedHashMap<>(Gpt2ConfigJson.USUAL);

    private Builder() {}

    /** Number of tokens. */
    public Builder vocabSize(int value) {
      vocabSize = value;
      return this;
    }

    /** Longest sequence in tokens. */
    public Builder nPositions(int value) {
      nPositions = value;
      return this;
    }

    /** Width of the model. */
    public Builder nEmbd(int value) {
      nEmbd = value;
      return this;
    }

    /** Number of blocks. */
    public Builder nLayer(int value) {
      nLayer = value;
      return this;
    }

    /** Attention heads per block; must divide the width. */
    public Builder nHead(int value) {
      nHead = value;
      return this;
    }

    /** Width inside the MLP; null for four times the width of the model. */
    public Builder nInner(@Nullable Integer value) {
      nInner = value;
      return this;
    }

    /** One of {@link Gpt2Config#ACTIVATIONS}. */
    public Builder activationFunction(String value) {
      activationFunction = value;
      return this;
    }

    /** Dropout after each projection, 0 to below 1. */
    public Builder residPdrop(double value) {
      residPdrop = value;
      return this;
    }

    /** Dropout after the embeddings, 0 to below 1. */
    public Builder embdPdrop(double value) {
      embdPdrop = value;
      return this;
    }

    /** Dropout of attention weights, 0 to below 1. */
    public Builder attnPdrop(double value) {
      attnPdrop = value;
      return this;
    }

    /** All three dropouts at once. */
    public Builder dropout(double value) {
      return residPdrop(value).embdPdrop(value).attnPdrop(value);
    }

    /** Added to the variance in LayerNorm. */
    public Builder layerNormEpsilon(double value) {
      layerNormEpsilon = value;
      return this;
    }

    /** Standard deviation of new weights. */
    public Builder initializerRange(double value) {
      initializerRange = value;
      return this;
    }

    /** Whether attention scores are divided by the root of the head size. */
    public Builder scaleAttnWeights(boolean value) {
      scaleAttnWeights = value;
      return this;
    }

    /** Whether attention scores are also divided by layer index + 1. */
    public Builder scaleAttnByInverseLayerIdx(boolean value) {
      scaleAttnByInverseLayerIdx = value;
      return this;
    }

    /** No effect: attention scores are always computed in F32. */
    public Builder reorderAndUpcastAttn(boolean value) {
      reorderAndUpcastAttn = value;
      return this;
    }

    /** Whether the output matrix is the token embedding. */
    public Builder tieWordEmbeddings(boolean value) {
      tieWordEmbeddings = value;
      return this;
    }

    /** Id of the beginning of text, or null. */
    public Builder bosTokenId(@Nullable Integer value) {
      bosTokenId = value;
      return this;
    }

    /** Id of the end of text, or null. */
    public Builder eosTokenId(@Nullable Integer value) {
      return eosTokenIds(value == null ? List.of() : List.of(value));
    }

    /** Ids that end a text, perhaps none. */
    public Builder eosTokenIds(List<Integer> values) {
      eosTokenIds = List.copyOf(values);
      return this;
    }

    /** Id for padding, or null. */
    public Builder padTokenId(@Nullable Integer value) {
      padTokenId = value;
      return this;
    }

    /** A further key of {@code config.json}. */
    public Builder other(String key, @Nullable Object value) {
      other.put(key, value);
      return this;
    }

    /**
     * The configuration.
     *
     * @throws InvalidArgumentException if a value is out of range
     */
    public Gpt2Config build() {
      long inner = nInner == null ? 4L * nEmbd : nInner;
      return new Gpt2Config(
          vocabSize,
          nPositions,
          nEmbd,
          nLayer,
          nHead,
          Math.clamp(inner, Integer.MIN_VALUE, Integer.MAX_VALUE),
          activationFunction,
          residPdrop,
          embdPdrop,
          attnPdrop,
          layerNormEpsilon,
          initializerRange,
          scaleAttnWeights,
          scaleAttnByInverseLayerIdx,
          reorderAndUpcastAttn,
          tieWordEmbeddings,
          bosTokenId,
          eosTokenIds,
          padTokenId,
          other);
    }
  }
}
