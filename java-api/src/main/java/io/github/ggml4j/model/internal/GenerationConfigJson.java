package io.github.ggml4j.model.internal;

import io.github.ggml4j.format.ModelFormatException;
import io.github.ggml4j.internal.Names;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Options of generation as Hugging Face's {@code generation_config.json} holds them, by its names.
 */
public final class GenerationConfigJson {
  /** Name of the file in a Hugging Face folder. */
  public static final String FILE = "generation_config.json";

  /** Key that older models have in {@code config.json} for each kind of task. */
  private static final String TASKS = "task_specific_params";

  private static final String TASK = "text-generation";

  /** Options that older models have in {@code config.json}. */
  private static final Set<String> OPTIONS =
      Set.of(
          "bad_words_ids",
          "begin_suppress_tokens",
          "diversity_penalty",
          "do_sample",
          "early_stopping",
          "encoder_no_repeat_ngram_size",
          "encoder_repetition_penalty",
          "epsilon_cutoff",
          "eta_cutoff",
          "exponential_decay_length_penalty",
          "force_words_ids",
          "forced_bos_token_id",
          "forced_eos_token_id",
          "guidance_scale",
          "length_penalty",
          "max_length",
          "max_matching_ngram_size",
          "max_new_tokens",
          "max_time",
          "min_length",
          "min_new_tokens",
          "min_p",
          "no_repeat_ngram_size",
          "num_beam_groups",
          "num_beams",
          "num_return_sequences",
          "penalty_alpha",
          "prompt_lookup_num_tokens",
          "remove_invalid_values",
          "renormalize_logits",
          "repetition_penalty",
          "sequence_bias",
          "stop_strings",
          "suppress_tokens",
          "temperature",
          "token_healing",
          "top_h",
          "top_k",
          "top_p",
          "typical_p",
          "watermarking_config");

  private GenerationConfigJson() {}

  /**
   * The options of a model without a {@code generation_config.json}: those in {@code config.json},
   * as transformers' {@code GenerationConfig.from_model_config}. Those under {@code
   * task_specific_params} for text generation take precedence, as in the pipelines of transformers
   * before version 5.
   *
   * @param config what {@code config.json} has beside the options of the network
   */
  public static Map<String, @Nullable Object> of(
      Map<String, @Nullable Object> config,
      @Nullable Integer bosTokenId,
      List<Integer> eosTokenIds,
      @Nullable Integer padTokenId) {
    var options = new TreeMap<String, @Nullable Object>();
    options.put("_from_model_config", true);
    addOptions(options, config);
    if (config.get(TASKS) instanceof Map<?, ?> tasks && tasks.get(TASK) instanceof Map<?, ?> task) {
      addOptions(options, task);
    }
    putId(options, "bos_token_id", bosTokenId);
    var eos = eosTokenIds.stream().map(Integer::longValue).toList();
    if (!eos.isEmpty()) {
      options.put("eos_token_id", eos.size() == 1 ? eos.getFirst() : eos);
    }
    putId(options, "pad_token_id", padTokenId);
    return Collections.unmodifiableMap(options);
  }

  private static void addOptions(Map<String, @Nullable Object> options, Map<?, ?> values) {
    for (var name : OPTIONS) {
      Object value = values.get(name);
      if (value != null) {
        options.put(name, value);
      }
    }
  }

  private static void putId(
      Map<String, @Nullable Object> options, String name, @Nullable Integer id) {
    if (id != null) {
      options.put(name, id.longValue());
    }
  }

  /**
   * Token ids of an option: one, a list, or none if it is missing or null. -1 counts as none.
   *
   * @param source name of the model, for error messages
   * @throws ModelFormatException if the value is of another kind
   */
  public static List<Integer> ids(
      String source, Map<String, @Nullable Object> options, String name) {
    Object value = options.get(name);
    List<?> values =
        value instanceof List<?> list ? list : value == null ? List.of() : List.of(value);
    var ids = new ArrayList<Integer>();
    for (Object id : values) {
      if (!(id instanceof Long number) || number < -1 || number > Integer.MAX_VALUE) {
        throw ModelFormatException.of(
            source + " (" + FILE + ")",
            name + " is " + Names.quote(String.valueOf(value)),
            "a token id or a list of them",
            "Correct the file or remove it.");
      }
      if (number >= 0) {
        ids.add(number.intValue());
      }
    }
    return List.copyOf(ids);
  }
}
