package io.github.ggml4j.io;

import io.github.ggml4j.format.ModelFormatException;
import io.github.ggml4j.format.gguf.GgufFile;
import io.github.ggml4j.format.gguf.GgufTensor;
import io.github.ggml4j.format.gguf.GgufValue;
import io.github.ggml4j.format.gguf.GgufVocabulary;
import io.github.ggml4j.format.internal.Json;
import io.github.ggml4j.io.CheckedWeights.LinearLayout;
import io.github.ggml4j.model.Gpt2Config;
import io.github.ggml4j.model.WeightSource;
import io.github.ggml4j.model.WeightSpec;
import io.github.ggml4j.tokenizer.AddedToken;
import io.github.ggml4j.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Configuration and weights of a GGUF file, as llama.cpp's GPT-2 reads them. */
final class GgufModel {
  static final String ARCHITECTURE_KEY = "general.architecture";
  static final String ARCHITECTURE = "gpt2";
  static final String BLOCK_COUNT = "gpt2.block_count";
  static final String CONTEXT_LENGTH = "gpt2.context_length";
  static final String EMBEDDING_LENGTH = "gpt2.embedding_length";
  static final String FEED_FORWARD_LENGTH = "gpt2.feed_forward_length";

  /** Our own key: {@code generation_config.json} as a text. Other readers ignore it. */
  static final String GENERATION_CONFIG = "ggml4j.generation_config";

  static final String HEAD_COUNT = "gpt2.attention.head_count";
  static final String HEAD_COUNT_KV = "gpt2.attention.head_count_kv";
  static final String LAYER_NORM_EPSILON = "gpt2.attention.layer_norm_epsilon";
  private static final String TOKEN_EMBEDDING = "token_embd.weight";
  private static final String OUTPUT = "output.weight";

  private GgufModel() {}

  static Gpt2Config config(GgufFile file) {
    String architecture = file.get(ARCHITECTURE_KEY).asString();
    if (!architecture.equals(ARCHITECTURE)) {
      throw ModelFormatException.of(
          file.source(),
          "is a model of architecture '" + architecture + "'",
          "'" + ARCHITECTURE + "'",
          "Use a GPT-2 model.");
    }
    GgufTensor tokens = file.tensors().get(TOKEN_EMBEDDING);
    if (tokens == null || tokens.shape().length != 2) {
      throw ModelFormatException.of(
          file.source(),
          tokens == null ? "has no tensor " + TOKEN_EMBEDDING : TOKEN_EMBEDDING + " is no matrix",
          "the token embedding (V, C)",
          "A vocabulary-only file cannot generate; use a file with weights.");
    }
    int layers = positive(file, BLOCK_COUNT);
    int heads = perLayer(file, HEAD_COUNT, layers);
    if (file.find(HEAD_COUNT_KV).isPresent() && perLayer(file, HEAD_COUNT_KV, layers) != heads) {
      throw ModelFormatException.of(
          file.source(),
          HEAD_COUNT_KV + " differs from " + HEAD_COUNT,
          "as many key-value heads as heads",
          "Grouped-query attention is not part of GPT-2; use a GPT-2 model.");
    }
    try {
      return Gpt2Config.builder()
          .vocabSize((int) Math.min(tokens.shape()[0], Integer.MAX_VALUE))
          .nPositions(positive(file, CONTEXT_LENGTH))
          .nEmbd(positive(file, EMBEDDING_LENGTH))
          .nLayer(layers)
          .nHead(heads)
          .nInner(perLayer(file, FEED_FORWARD_LENGTH, layers))
          .layerNormEpsilon(single(file.get(LAYER_NORM_EPSILON)))
          .tieWordEmbeddings(!file.tensors().containsKey(OUTPUT))
          .bosTokenId(id(file, "tokenizer.ggml.bos_token_id"))
          .eosTokenId(id(file, "tokenizer.ggml.eos_token_id"))
          .padTokenId(id(file, "tokenizer.ggml.padding_token_id"))
          .build();
    } catch (IllegalArgumentException e) {
      throw new ModelFormatException(
          file.source() + ": " + e.getMessage() + ". Convert the model again.", e);
    }
  }

  /** The options of generation that were stored with the model, or else its token ids. */
  static Map<String, @Nullable Object> generation(GgufFile file, Gpt2Config config) {
    Optional<GgufValue> json = file.find(GENERATION_CONFIG);
    return json.isPresent()
        ? Json.parseObject(json.get().asString(), file.source() + ", " + GENERATION_CONFIG)
        : config.generationConfig();
  }

  static WeightSource weights(GgufFile file, Gpt2Config config) {
    Map<String, CheckedWeights.Stored> tensors = new HashMap<>();
    file.tensors()
        .forEach((name, tensor) ->
            tensors.put(
                name,
                new CheckedWeights.Stored(tensor.dtype(), tensor.shape(), () -> file.data(name))));
    return new CheckedWeights(
        file.source(), config, LinearLayout.OUT_IN, tensors, WeightSpec::ggufName, file::close);
  }

  /** The tokenizer of a file. */
  static Tokenizer tokenizer(GgufFile file) {
    Tokenizer tokenizer = GgufVocabulary.isGpt2(file) ? Tokenizer.gpt2() : decodedTokenizer(file);
    // Without such a token nothing can be added, as in transformers.
    return tokenizer
        .withAddedTokens(
            GgufVocabulary.addsBosToken(file) && tokenizer.bosTokenId() >= 0,
            GgufVocabulary.addsEosToken(file) && tokenizer.eosTokenId() >= 0)
        .withPrefixSpace(GgufVocabulary.addsPrefixSpace(file));
  }

  private static Tokenizer decodedTokenizer(GgufFile file) {
    GgufVocabulary vocabulary = GgufVocabulary.of(file);
    List<AddedToken> added = new ArrayList<>();
    int[] types = vocabulary.types();
    for (int id = 0; id < types.length; id++) {
      if (types[id] == GgufVocabulary.CONTROL || types[id] == GgufVocabulary.USER_DEFINED) {
        boolean special = types[id] == GgufVocabulary.CONTROL;
        String content = vocabulary.tokens().get(id);
        added.add(new AddedToken(id, content, false, false, false, !special, special));
      }
    }
    try {
      return Tokenizer.of(
          vocabulary.tokens(),
          vocabulary.merges(),
          added,
          vocabulary.bosTokenId(),
          vocabulary.eosTokenId(),
          vocabulary.padTokenId());
    } catch (ModelFormatException e) {
      throw new ModelFormatException(file.source() + ": " + e.getMessage(), e);
    }
  }

  private static int positive(GgufFile file, String key) {
    return file.get(key).asInt(1, Integer.MAX_VALUE);
  }

  /** A number that may be given once or for each layer, here always the same. */
  private static int perLayer(GgufFile file, String key, int layers) {
    GgufValue value = file.get(key);
    if (!value.isArray()) {
      return value.asInt(1, Integer.MAX_VALUE);
    }
    int[] numbers = value.asInts();
    if (numbers.length != layers) {
      throw ModelFormatException.of(
          file.source(),
          key + " has " + numbers.length + " values",
          layers + ", one for each layer",
          "Convert the model again.");
    }
    for (int number : numbers) {
      if (number != numbers[0]) {
        throw ModelFormatException.of(
            file.source(),
            key + " has the values " + numbers[0] + " and " + number,
            "the same for every layer",
            "Use a GPT-2 model, whose layers are alike.");
      }
    }
    return numbers[0];
  }

  /** 1e-5 in single precision is meant as 1e-5. */
  private static double single(GgufValue value) {
    return Double.parseDouble(Float.toString((float) value.asDouble()));
  }

  private static @Nullable Integer id(GgufFile file, String key) {
    return file.find(key).map(value -> value.asInt(0, Integer.MAX_VALUE)).orElse(null);
  }
}
