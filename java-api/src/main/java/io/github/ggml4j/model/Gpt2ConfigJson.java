package io.github.ggml4j.model;

import io.github.ggml4j.format.ModelFormatException;
import io.github.ggml4j.format.internal.PythonJson;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.DoubleConsumer;
import org.jspecify.annotations.Nullable;

/** A configuration as Hugging Face's {@code config.json}, read and written. */
final class Gpt2ConfigJson {
  /** What Hugging Face writes beside the parameters of the model itself. */
  static final Map<String, @Nullable Object> USUAL = usual();

  /** Hugging Face's other names for four of the keys. */
  private static final Map<String, String> ALIASES =
      Map.of(
          "n_embd", "hidden_size",
          "n_positions", "max_position_embeddings",
          "n_head", "num_attention_heads",
          "n_layer", "num_hidden_layers");

  /** The keys not taken yet; what is left in the end is kept as it is. */
  private final Map<String, @Nullable Object> rest;

  private Gpt2ConfigJson(Map<String, @Nullable Object> json) {
    rest = new LinkedHashMap<>(json);
    if (rest.containsKey("torch_dtype")) {
      Object dtype = rest.remove("torch_dtype");
      rest.putIfAbsent("dtype", dtype);
    }
  }

  private static Map<String, @Nullable Object> usual() {
    Map<String, @Nullable Object> usual = new TreeMap<>();
    usual.put("add_cross_attention", false);
    usual.put("architectures", List.of("GPT2LMHeadModel"));
    usual.put("model_type", "gpt2");
    usual.put("summary_activation", null);
    usual.put("summary_first_dropout", 0.1);
    usual.put("summary_proj_to_labels", true);
    usual.put("summary_type", "cls_index");
    usual.put("summary_use_proj", true);
    usual.put("use_cache", true);
    return Collections.unmodifiableMap(usual);
  }

  /**
   * The configuration that a JSON object describes.
   *
   * @param source name for error messages
   * @throws ModelFormatException when it is of another model, or a value cannot be used
   */
  static Gpt2Config read(Map<String, @Nullable Object> json, String source) {
    boolean gpt2Keys = json.containsKey("n_embd") && json.containsKey("n_layer");
    if (!json.containsKey("model_type") && !gpt2Keys) {
      throw ModelFormatException.of(
          source,
          "has neither model_type nor n_embd and n_layer",
          "\"model_type\": \"gpt2\"",
          "Use the config.json of a GPT-2 model.");
    }
    try {
      return new Gpt2ConfigJson(json).read();
    } catch (IllegalArgumentException e) {
      throw new ModelFormatException(source + ": " + e.getMessage(), e);
    }
  }

  private Gpt2Config read() {
    var config = Gpt2Config.builder();
    integer("vocab_size", config::vocabSize);
    integer("n_positions", config::nPositions);
    integer("n_embd", config::nEmbd);
    integer("n_layer", config::nLayer);
    integer("n_head", config::nHead);
    nullableInteger("n_inner", config::nInner);
    string("activation_function", config::activationFunction);
    number("resid_pdrop", config::residPdrop);
    number("embd_pdrop", config::embdPdrop);
    number("attn_pdrop", config::attnPdrop);
    number("layer_norm_epsilon", config::layerNormEpsilon);
    number("initializer_range", config::initializerRange);
    flag("scale_attn_weights", config::scaleAttnWeights);
    flag("scale_attn_by_inverse_layer_idx", config::scaleAttnByInverseLayerIdx);
    flag("reorder_and_upcast_attn", config::reorderAndUpcastAttn);
    flag("tie_word_embeddings", config::tieWordEmbeddings);
    id("bos_token_id", config::bosTokenId);
    ids("eos_token_id", config::eosTokenIds);
    id("pad_token_id", config::padTokenId);
    rest.forEach(config::other);
    return config.build();
  }

  private void integer(String key, Consumer<Integer> set) {
    nullableInteger(
        key,
        value -> {
          if (value == null) {
            throw Gpt2Config.bad(key, null, "a whole number");
          }
          set.accept(value);
        });
  }

  private void nullableInteger(String key, Consumer<@Nullable Integer> set) {
    String alias = ALIASES.get(key);
    Object aliased = alias == null ? null : rest.remove(alias);
    if (!rest.containsKey(key)) {
      if (aliased == null) {
        return;
      }
      rest.put(key, aliased);
    }
    Object value = rest.remove(key);
    if (value == null) {
      set.accept(null);
    } else if (value instanceof Long number && number == number.intValue()) {
      set.accept(number.intValue());
    } else {
      throw Gpt2Config.bad(key, value, "a whole number of 32 bits");
    }
  }

  /** An id; -1, and a list with one id, are what some tools write for none and one. */
  private void id(String key, Consumer<@Nullable Integer> set) {
    if (rest.get(key) instanceof List<?> list) {
      if (list.size() > 1) {
        throw Gpt2Config.bad(key, list, "one id");
      }
      rest.put(key, list.isEmpty() ? null : list.getFirst());
    }
    nullableInteger(key, value -> set.accept(value != null && value == -1 ? null : value));
  }

  /** One id or several. */
  private void ids(String key, Consumer<List<Integer>> set) {
    if (!(rest.get(key) instanceof List<?> list)) {
      id(key, id -> set.accept(id == null ? List.of() : List.of(id)));
      return;
    }
    rest.remove(key);
    var ids = new ArrayList<Integer>();
    for (Object value : list) {
      if (!(value instanceof Long id) || id != id.intValue()) {
        throw Gpt2Config.bad(key, list, "token ids");
      }
      ids.add(id.intValue());
    }
    set.accept(ids);
  }

  private void number(String key, DoubleConsumer set) {
    if (rest.containsKey(key)) {
      Object value = rest.remove(key);
      if (!(value instanceof Double || value instanceof Long)) {
        throw Gpt2Config.bad(key, value, "a number");
      }
      set.accept(((Number) value).doubleValue());
    }
  }

  private void flag(String key, Consumer<Boolean> set) {
    if (rest.containsKey(key)) {
      Object value = rest.remove(key);
      if (!(value instanceof Boolean flag)) {
        throw Gpt2Config.bad(key, value, "true or false");
      }
      set.accept(flag);
    }
  }

  private void string(String key, Consumer<String> set) {
    if (rest.containsKey(key)) {
      Object value = rest.remove(key);
      if (!(value instanceof String text)) {
        throw Gpt2Config.bad(key, value, "a name in quotes");
      }
      set.accept(text);
    }
  }

  /** As Hugging Face writes it: sorted keys, two spaces of indentation, a final line feed. */
  static String write(Gpt2Config config) {
    Map<String, @Nullable Object> all = new TreeMap<>(config.other());
    all.put("vocab_size", config.vocabSize());
    all.put("n_positions", config.nPositions());
    all.put("n_embd", config.nEmbd());
    all.put("n_layer", config.nLayer());
    all.put("n_head", config.nHead());
    all.put("n_inner", config.nInner() == 4 * config.nEmbd() ? null : (Integer) config.nInner());
    all.put("activation_function", config.activationFunction());
    all.put("resid_pdrop", config.residPdrop());
    all.put("embd_pdrop", config.embdPdrop());
    all.put("attn_pdrop", config.attnPdrop());
    all.put("layer_norm_epsilon", config.layerNormEpsilon());
    all.put("initializer_range", config.initializerRange());
    all.put("scale_attn_weights", config.scaleAttnWeights());
    all.put("scale_attn_by_inverse_layer_idx", config.scaleAttnByInverseLayerIdx());
    all.put("reorder_and_upcast_attn", config.reorderAndUpcastAttn());
    all.put("tie_word_embeddings", config.tieWordEmbeddings());
    all.put("bos_token_id", config.bosTokenId());
    var eos = config.eosTokenIds();
    all.put("eos_token_id", eos.size() > 1 ? eos : config.eosTokenId());
    all.put("pad_token_id", config.padTokenId());
    return PythonJson.write(all);
  }
}
