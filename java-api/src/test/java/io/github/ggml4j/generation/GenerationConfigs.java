package io.github.ggml4j.generation;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.stream.StreamSupport;
import tools.jackson.databind.JsonNode;

/** Configurations from transformers' options; what is not named is off. */
final class GenerationConfigs {
  private GenerationConfigs() {}

  static GenerationConfig.Builder of(JsonNode options) {
    var builder = GenerationConfig.builder().topK(0).eosTokenIds();
    for (var option : options.properties()) {
      set(builder, option.getKey(), option.getValue());
    }
    if (options.has("min_length") && options.has("max_length")) {
      // A minimum over the maximum is an error here and a warning there.
      builder.minLength(
          Math.min(options.get("min_length").asInt(), options.get("max_length").asInt()));
    }
    return builder;
  }

  private static void set(GenerationConfig.Builder builder, String name, JsonNode value) {
    switch (name) {
      case "do_sample" -> builder.doSample(value.asBoolean());
      case "temperature" -> builder.temperature(value.asDouble());
      case "top_k" -> builder.topK(value.asInt());
      case "top_p" -> builder.topP(value.asDouble());
      case "min_p" -> builder.minP(value.asDouble());
      case "typical_p" -> builder.typicalP(value.asDouble());
      case "repetition_penalty" -> builder.repetitionPenalty(value.asDouble());
      case "no_repeat_ngram_size" -> builder.noRepeatNgramSize(value.asInt());
      case "bad_words_ids" -> {
        var words = new ArrayList<List<Integer>>();
        value.forEach(word -> words.add(ids(word)));
        builder.badWordsIds(words);
      }
      case "sequence_bias" -> {
        var biases = new LinkedHashMap<List<Integer>, Float>();
        value.forEach(one -> biases.put(ids(one.get(0)), (float) one.get(1).asDouble()));
        builder.sequenceBias(biases);
      }
      case "top_h" -> builder.topH(value.asDouble());
      case "epsilon_cutoff" -> builder.epsilonCutoff(value.asDouble());
      case "eta_cutoff" -> builder.etaCutoff(value.asDouble());
      case "encoder_repetition_penalty" -> builder.encoderRepetitionPenalty(value.asDouble());
      case "encoder_no_repeat_ngram_size" -> builder.encoderNoRepeatNgramSize(value.asInt());
      case "suppress_tokens" -> builder.suppressTokens(array(value));
      case "begin_suppress_tokens" -> builder.beginSuppressTokens(array(value));
      case "forced_bos_token_id" -> builder.forcedBosTokenId(value.asInt());
      case "exponential_decay_length_penalty" ->
          builder.exponentialDecayLengthPenalty(value.get(0).asInt(), value.get(1).asDouble());
      case "remove_invalid_values" -> builder.removeInvalidValues(value.asBoolean());
      case "renormalize_logits" -> builder.renormalizeLogits(value.asBoolean());
      case "guidance_scale" -> builder.guidanceScale(value.asDouble());
      case "negative_prompt_ids" -> builder.negativePromptIds(array(value));
      case "prompt_lookup_num_tokens" -> builder.promptLookupNumTokens(value.asInt());
      case "max_matching_ngram_size" -> builder.maxMatchingNgramSize(value.asInt());
      case "max_length" -> builder.maxLength(value.asInt());
      case "max_new_tokens" -> builder.maxNewTokens(value.asInt());
      case "min_length" -> builder.minLength(value.asInt());
      case "min_new_tokens" -> builder.minNewTokens(value.asInt());
      case "eos_token_id" -> builder.eosTokenIds(array(value));
      case "forced_eos_token_id" -> builder.forcedEosTokenIds(array(value));
      case "num_beams" -> builder.numBeams(value.asInt());
      case "num_return_sequences" -> builder.numReturnSequences(value.asInt());
      case "length_penalty" -> builder.lengthPenalty(value.asDouble());
      case "early_stopping" ->
          builder.earlyStopping(
              value.isString()
                  ? EarlyStopping.NEVER
                  : value.asBoolean() ? EarlyStopping.TRUE : EarlyStopping.FALSE);
      default -> throw new IllegalArgumentException("No such option here: " + name);
    }
  }

  private static int[] array(JsonNode value) {
    return ids(value).stream().mapToInt(Integer::intValue).toArray();
  }

  private static List<Integer> ids(JsonNode value) {
    return value.isArray()
        ? StreamSupport.stream(value.spliterator(), false).map(JsonNode::asInt).toList()
        : List.of(value.asInt());
  }
}
