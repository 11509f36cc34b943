package io.github.ggml4j.generation;

import io.github.ggml4j.error.InvalidArgumentException;
import io.github.ggml4j.model.Gpt2Model;
import io.github.ggml4j.model.internal.GenerationConfigJson;
import java.time.Duration;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.DoubleConsumer;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Reads the options of generation that come with a model. Logs those that are not supported or not
 * known.
 */
final class ModelDefaults {
  /** Options that do not change the generated tokens, and ids that the model itself reads. */
  private static final Set<String> WITHOUT_EFFECT =
      Set.of(
          "_commit_hash",
          "_from_model_config",
          "assistant_confidence_threshold",
          "assistant_lookbehind",
          "bos_token_id",
          "cache_config",
          "cache_implementation",
          "compile_config",
          "continuous_batching_config",
          "decoder_start_token_id",
          "disable_compile",
          "eos_token_id",
          "low_memory",
          "max_cache_len",
          "num_assistant_tokens",
          "num_assistant_tokens_schedule",
          "output_attentions",
          "output_hidden_states",
          "output_logits",
          "output_scores",
          "pad_token_id",
          "prefill_chunk_size",
          "return_dict_in_generate",
          "return_legacy_cache",
          "target_lookbehind",
          "transformers_version",
          "use_cache");

  /** Options of transformers that are not supported, with the reason for the warning. */
  private static final Map<String, String> UNSUPPORTED =
      Map.ofEntries(
          Map.entry("assistant_early_exit", "Assistant models are not supported."),
          Map.entry("assistant_ensemble_weight", "Assistant models are not supported."),
          Map.entry("constraints", "Constrained beam search is not supported."),
          Map.entry("diversity_penalty", "Diverse beam search is not supported."),
          Map.entry("dola_layers", "DoLa decoding is not supported."),
          Map.entry("force_words_ids", "Constrained beam search is not supported."),
          Map.entry("is_assistant", "Assistant models are not supported."),
          Map.entry("num_beam_groups", "Diverse beam search is not supported."),
          Map.entry("num_return_sequences", "Set it in the call."),
          Map.entry("penalty_alpha", "Contrastive search is not supported."),
          Map.entry("speculation_type", "Assistant models are not supported."),
          Map.entry("token_healing", "Token healing is not supported."),
          Map.entry("use_mtp", "GPT-2 predicts one token at a time."),
          Map.entry("watermarking_config", "Watermarks are not supported."));

  private final Map<String, @Nullable Object> values;
  private final String source;
  private final Set<String> known = new HashSet<>(WITHOUT_EFFECT);

  private ModelDefaults(Map<String, @Nullable Object> values, String source) {
    this.values = values;
    this.source = source;
  }

  /** Sets the options of a model, except {@code eos_token_id}, which the model itself reads. */
  static void apply(Gpt2Model model, GenerationConfig.Builder builder) {
    var defaults = new ModelDefaults(model.generationConfig(), model.origin());
    defaults.apply(builder);
    defaults.warn();
  }

  private void apply(GenerationConfig.Builder g) {
    integer("max_length", g::maxLength);
    integer("max_new_tokens", g::maxNewTokens);
    integer("min_length", g::minLength);
    integer("min_new_tokens", g::minNewTokens);
    number("max_time", seconds -> g.maxTime(Duration.ofNanos((long) (seconds * 1e9))));
    flag("do_sample", g::doSample);
    number(
        "temperature",
        value -> {
          if (value != 0) { // files of models that do not sample have 0
            g.temperature(value);
          }
        });
    integer("top_k", g::topK);
    number("top_p", g::topP);
    number("min_p", g::minP);
    number("top_h", g::topH);
    number("typical_p", g::typicalP);
    number("epsilon_cutoff", g::epsilonCutoff);
    number("eta_cutoff", g::etaCutoff);
    number("repetition_penalty", g::repetitionPenalty);
    number("encoder_repetition_penalty", g::encoderRepetitionPenalty);
    integer("no_repeat_ngram_size", g::noRepeatNgramSize);
    integer("encoder_no_repeat_ngram_size", g::encoderNoRepeatNgramSize);
    applyTokens(g);
    flag("remove_invalid_values", g::removeInvalidValues);
    flag("renormalize_logits", g::renormalizeLogits);
    number("guidance_scale", g::guidanceScale);
    integer("num_beams", g::numBeams);
    number("length_penalty", g::lengthPenalty);
    value(
        "early_stopping",
        "true, false or \"never\"",
        value ->
            g.earlyStopping(
                value.equals("never")
                    ? EarlyStopping.NEVER
                    : (Boolean) value ? EarlyStopping.TRUE : EarlyStopping.FALSE));
    integer("prompt_lookup_num_tokens", g::promptLookupNumTokens);
    integer("max_matching_ngram_size", g::maxMatchingNgramSize);
    value(
        "stop_strings",
        "a text or a list of texts",
        value ->
            g.stopStrings(
                (value instanceof String text ? List.of(text) : list(value))
                    .stream().map(String.class::cast).toArray(String[]::new)));
  }

  private void applyTokens(GenerationConfig.Builder g) {
    value(
        "sequence_bias",
        "a list of pairs of token ids and a bias, such as [[[5, 6], -2.0]]",
        value -> {
          var biases = new LinkedHashMap<List<Integer>, Float>();
          for (var pair : list(value)) {
            biases.put(ids(list(pair).get(0)), ((Number) list(pair).get(1)).floatValue());
          }
          g.sequenceBias(biases);
        });
    value(
        "bad_words_ids",
        "lists of token ids",
        value -> g.badWordsIds(list(value).stream().map(ModelDefaults::ids).toList()));
    tokens("suppress_tokens", g::suppressTokens);
    tokens("begin_suppress_tokens", g::beginSuppressTokens);
    integer("forced_bos_token_id", g::forcedBosTokenId);
    tokens("forced_eos_token_id", g::forcedEosTokenIds);
    value(
        "exponential_decay_length_penalty",
        "a number of tokens and a factor, such as [15, 1.6]",
        value ->
            g.exponentialDecayLengthPenalty(
                whole(list(value).get(0)), ((Number) list(value).get(1)).doubleValue()));
  }

  private void tokens(String name, Consumer<int[]> option) {
    value(
        name,
        "a token id or a list of them",
        value -> option.accept(ids(value).stream().mapToInt(Integer::intValue).toArray()));
  }

  private void flag(String name, Consumer<Boolean> option) {
    value(name, "true or false", value -> option.accept((Boolean) value));
  }

  private void number(String name, DoubleConsumer option) {
    value(name, "a number", value -> option.accept(((Number) value).doubleValue()));
  }

  private void integer(String name, IntConsumer option) {
    value(name, "a whole number", value -> option.accept(whole(value)));
  }

  private static int whole(Object value) {
    return Math.toIntExact((Long) value);
  }

  private static List<?> list(Object value) {
    return (List<?>) value;
  }

  private static List<Integer> ids(Object value) {
    return value instanceof List<?> list
        ? list.stream().map(ModelDefaults::whole).toList()
        : List.of(whole(value));
  }

  /** Sets an option unless it is missing or null. */
  private void value(String name, String expected, Consumer<Object> option) {
    known.add(name);
    var value = values.get(name);
    if (value == null) {
      return;
    }
    try {
      option.accept(value);
    } catch (ClassCastException
        | ArithmeticException
        | NullPointerException
        | IndexOutOfBoundsException e) {
      throw wrong(name, value, expected, e);
    } catch (InvalidArgumentException e) {
      throw wrong(name, value, e.expected(), e);
    }
  }

  private IllegalArgumentException wrong(
      String name, Object value, String expected, RuntimeException cause) {
    return new IllegalArgumentException(
        "%s (%s): %s is %s; expected %s. Correct the file or remove the line."
            .formatted(source, GenerationConfigJson.FILE, name, value, expected),
        cause);
  }

  private void warn() {
    values.forEach((name, value) -> {
      if (known.contains(name)
          || value == null
          || (UNSUPPORTED.containsKey(name) && isOff(value))) {
        return;
      }
      Warnings.once(
          "%s: the generation option %s is %s and is not used. %s"
              .formatted(
                  source,
                  name,
                  value,
                  UNSUPPORTED.getOrDefault(name, "It is not a known option.")));
    });
  }

  /** Whether a value turns an unsupported option off. */
  private static boolean isOff(Object value) {
    return value.equals(false)
        || (value instanceof Number number && number.doubleValue() == 0)
        || value.equals(1L); // one beam group, one sequence
  }
}
