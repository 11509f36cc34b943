package io.github.ggml4j.generation;

import io.github.ggml4j.error.InvalidArgumentException;
import io.github.ggml4j.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A prompt and its options, checked against the model: lengths in tokens, what ends a sequence, and
 * the logits processors in transformers' order.
 *
 * @param maxLength most tokens of a sequence, prompt included
 * @param negativePrompt tokens that guidance starts from; null without guidance
 * @param deadline {@link System#nanoTime} after which a sequence ends; null without a limit
 * @param trimmed the stop strings that are cut off the text, perhaps none
 */
@SuppressWarnings("ArrayRecordComponent") // requests are never compared as values
record Request(
    GenerationConfig config,
    int[] prompt,
    int maxLength,
    int @Nullable [] negativePrompt,
    List<Integer> eosTokenIds,
    @Nullable Long deadline,
    List<LogitsProcessor> processors,
    List<CandidateFilter> filters,
    StopStrings stopStrings,
    StopStrings trimmed,
    Tokenizer tokenizer) {

  /**
   * Checks values that depend on prompt and model.
   *
   * @throws InvalidArgumentException naming the value and what was expected
   */
  static Request of(GenerationConfig config, int[] prompt, ModelLimits model, Tokenizer tokenizer) {
    checkPrompt("prompt", prompt, model);
    int maxLength = maxLength(config, prompt.length, model.maxLength());
    var eos = config.eosTokenIds() == null ? model.eosTokenIds() : config.eosTokenIds();
    var badWords = badWords(config, tokenizer);
    checkIds(config, eos, badWords, model.vocabSize());
    var stop = new StopStrings(config.stopStrings(), tokenizer);
    var maxTime = config.maxTime();
    return new Request(
        config,
        prompt,
        maxLength,
        negativePrompt(config, prompt, maxLength, model, tokenizer),
        eos,
        maxTime == null ? null : System.nanoTime() + maxTime.toNanos(),
        processors(config, prompt, maxLength, eos, badWords),
        config.doSample() ? filters(config, eos.size()) : List.of(),
        stop,
        config.trimStopStrings() ? stop : new StopStrings(List.of(), tokenizer),
        tokenizer);
  }

  private static void checkPrompt(String name, int[] prompt, ModelLimits model) {
    if (prompt.length == 0) {
      throw new InvalidArgumentException(
          name,
          "empty",
          "at least one token",
          "Turn {allowEmptyPrompt} on to start from the beginning-of-sequence token.");
    }
    if (prompt.length >= model.maxLength()) {
      throw new InvalidArgumentException(
          name,
          prompt.length + " tokens long",
          "fewer than this model's n_positions, which is " + model.maxLength(),
          "Shorten it.");
    }
    for (int i = 0; i < prompt.length; i++) {
      if (prompt[i] < 0 || prompt[i] >= model.vocabSize()) {
        throw new InvalidArgumentException(
            name + "[" + i + "]",
            prompt[i],
            "0 to " + (model.vocabSize() - 1),
            "Use the tokenizer of this model.");
      }
    }
  }

  private static void checkIds(
      GenerationConfig config, List<Integer> eos, List<List<Integer>> badWords, int vocabSize) {
    checkIds("eosTokenIds", eos, vocabSize);
    checkIds("forcedEosTokenIds", config.forcedEosTokenIds(), vocabSize);
    Integer forcedBos = config.forcedBosTokenId();
    checkIds("forcedBosTokenId", forcedBos == null ? List.of() : List.of(forcedBos), vocabSize);
    checkIds("suppressTokens", config.suppressTokens(), vocabSize);
    checkIds("beginSuppressTokens", config.beginSuppressTokens(), vocabSize);
    config.sequenceBias().keySet().forEach(ids -> checkIds("sequenceBias", ids, vocabSize));
    badWords.forEach(word -> checkIds("badWordsIds", word, vocabSize));
  }

  private static void checkIds(String name, List<Integer> ids, int vocabSize) {
    for (int id : ids) {
      if (id >= vocabSize) {
        throw new InvalidArgumentException(
            name, id, "at most " + (vocabSize - 1), "Use the tokenizer of this model.");
      }
    }
  }

  private static int maxLength(GenerationConfig config, int promptLength, int limit) {
    Integer maxNewTokens = config.maxNewTokens();
    Integer maxLength = config.maxLength();
    if (maxNewTokens != null) {
      int room = limit - promptLength;
      if (maxNewTokens > room) {
        throw new InvalidArgumentException(
            "maxNewTokens",
            maxNewTokens,
            "at most " + room + " after a prompt of " + promptLength + " tokens",
            "This model has n_positions = " + limit + ". Ask for fewer or shorten the prompt.");
      }
      return promptLength + maxNewTokens;
    }
    if (maxLength == null) {
      return Math.min(limit, promptLength + GenerationConfig.DEFAULT_NEW_TOKENS);
    }
    if (maxLength > limit) {
      throw new InvalidArgumentException(
          "maxLength", maxLength, "at most this model's n_positions, which is " + limit);
    }
    if (promptLength >= maxLength) {
      throw new InvalidArgumentException(
          "maxLength",
          maxLength,
          "more than the " + promptLength + " tokens of the prompt, which it includes",
          "{maxNewTokens} counts without the prompt.");
    }
    return maxLength;
  }

  private static int @Nullable [] negativePrompt(
      GenerationConfig config,
      int[] prompt,
      int maxLength,
      ModelLimits model,
      Tokenizer tokenizer) {
    if (config.guidanceScale() == 1) {
      return null;
    }
    String text = config.negativePrompt();
    var ids = config.negativePromptIds();
    int[] tokens;
    if (text != null) {
      tokens = tokenizer.encode(text);
    } else if (!ids.isEmpty()) {
      tokens = ids.stream().mapToInt(Integer::intValue).toArray();
    } else {
      tokens = new int[] {prompt[prompt.length - 1]};
    }
    String name = text != null ? "negativePrompt" : "negativePromptIds";
    checkPrompt(name, tokens, model);
    int room = model.maxLength() - (maxLength - prompt.length) + 1;
    if (tokens.length > room) {
      throw new InvalidArgumentException(
          name,
          tokens.length + " tokens long",
          "at most "
              + room
              + " for "
              + (maxLength - prompt.length)
              + " new tokens, since this model has n_positions = "
              + model.maxLength(),
          "Shorten it or ask for fewer new tokens.");
    }
    return tokens;
  }

  private static List<List<Integer>> badWords(GenerationConfig config, Tokenizer tokenizer) {
    var words = new ArrayList<>(config.badWordsIds());
    for (var word : config.badWords()) {
      words.add(Arrays.stream(tokenizer.encode(word)).boxed().toList());
      words.add(Arrays.stream(tokenizer.encode(" " + word)).boxed().toList());
    }
    return words;
  }

  private static List<LogitsProcessor> processors(
      GenerationConfig config,
      int[] prompt,
      int maxLength,
      List<Integer> eos,
      List<List<Integer>> badWords) {
    var processors = new ArrayList<LogitsProcessor>();
    if (!config.sequenceBias().isEmpty()) {
      processors.add(LogitsProcessors.sequenceBias(config.sequenceBias()));
    }
    if (config.encoderRepetitionPenalty() != 1) {
      processors.add(
          LogitsProcessors.encoderRepetitionPenalty(config.encoderRepetitionPenalty(), prompt));
    }
    if (config.repetitionPenalty() != 1) {
      processors.add(LogitsProcessors.repetitionPenalty(config.repetitionPenalty()));
    }
    if (config.noRepeatNgramSize() > 0) {
      processors.add(LogitsProcessors.noRepeatNgram(config.noRepeatNgramSize()));
    }
    if (config.encoderNoRepeatNgramSize() > 0) {
      processors.add(
          LogitsProcessors.encoderNoRepeatNgram(config.encoderNoRepeatNgramSize(), prompt));
    }
    if (!badWords.isEmpty()) {
      processors.add(LogitsProcessors.badWords(badWords, eos));
    }
    Integer minNewTokens = config.minNewTokens();
    if (minNewTokens != null) {
      processors.add(LogitsProcessors.minNewTokens(prompt.length, minNewTokens, eos));
    } else if (config.minLength() > 0) {
      processors.add(LogitsProcessors.minLength(config.minLength(), eos));
    }
    Integer forcedBos = config.forcedBosTokenId();
    if (forcedBos != null) {
      processors.add(LogitsProcessors.forcedBos(forcedBos));
    }
    if (!config.forcedEosTokenIds().isEmpty()) {
      processors.add(LogitsProcessors.forcedEos(maxLength, config.forcedEosTokenIds()));
    }
    if (config.removeInvalidValues()) {
      processors.add(LogitsProcessors.removeInvalidValues());
    }
    var decay = config.exponentialDecayLengthPenalty();
    if (decay != null) {
      processors.add(LogitsProcessors.exponentialDecay(decay, prompt.length, eos));
    }
    if (!config.suppressTokens().isEmpty()) {
      processors.add(LogitsProcessors.suppress(config.suppressTokens()));
    }
    if (!config.beginSuppressTokens().isEmpty()) {
      // A forced first token is not the beginning.
      int begin = prompt.length == 1 && forcedBos != null ? 2 : prompt.length;
      processors.add(LogitsProcessors.suppressAtBegin(config.beginSuppressTokens(), begin));
    }
    processors.addAll(config.logitsProcessors());
    if (config.renormalizeLogits() && !config.doSample()) {
      processors.add(LogitsProcessors.renormalize());
    }
    return List.copyOf(processors);
  }

  private static List<CandidateFilter> filters(GenerationConfig config, int eosTokens) {
    // Beam search needs a token that continues besides all end-of-sequence tokens.
    int keep = config.numBeams() > 1 ? Math.max(2, eosTokens + 1) : 1;
    var filters = new ArrayList<CandidateFilter>();
    if (config.temperature() != 1) {
      filters.add(new CandidateFilter.Temperature(config.temperature()));
    }
    Float topH = config.topH();
    if (topH != null) {
      filters.add(new CandidateFilter.TopH(topH));
    }
    if (config.topK() > 0) {
      filters.add(new CandidateFilter.TopK(Math.max(config.topK(), keep)));
    }
    if (config.topP() < 1) {
      filters.add(new CandidateFilter.TopP(config.topP(), keep));
    }
    Float minP = config.minP();
    if (minP != null && minP > 0) {
      filters.add(new CandidateFilter.MinP(minP, keep));
    }
    if (config.typicalP() < 1) {
      filters.add(new CandidateFilter.TypicalP(config.typicalP(), keep));
    }
    if (config.epsilonCutoff() > 0) {
      filters.add(new CandidateFilter.EpsilonCutoff(config.epsilonCutoff(), keep));
    }
    if (config.etaCutoff() > 0) {
      filters.add(new CandidateFilter.EtaCutoff(config.etaCutoff(), keep));
    }
    if (config.renormalizeLogits()) {
      filters.add(new CandidateFilter.Renormalize());
    }
    return List.copyOf(filters);
  }

  /** Number of sequences that advance together. */
  int sequences() {
    return config.numBeams() > 1 ? config.numBeams() : config.numReturnSequences();
  }

  /** Runs the processors on logits; only the first {@code length} tokens count. */
  void process(int[] tokens, int length, float[] logits) {
    if (!processors.isEmpty()) {
      int[] sequence = Arrays.copyOf(tokens, length);
      for (var processor : processors) {
        processor.process(sequence, logits);
      }
    }
  }

  /** Runs the filters of sampling. */
  void filter(Candidates candidates) {
    for (var filter : filters) {
      filter.filter(candidates);
    }
  }

  /** What ends a sequence at its last token. */
  Ending ending(int[] tokens, int length) {
    int found = stopStrings.find(tokens, length);
    int drop =
        found > 0 && config.trimStopStrings() ? stopStrings.textBytes(tokens, length, found) : 0;
    if (eosTokenIds.contains(tokens[length - 1])) {
      return new Ending(FinishReason.EOS, drop);
    }
    if (found >= 0) {
      return new Ending(FinishReason.STOP_STRING, drop);
    }
    if (length >= maxLength) {
      return new Ending(FinishReason.LENGTH, 0);
    }
    return deadline != null && System.nanoTime() - deadline > 0
        ? new Ending(FinishReason.TIME, 0)
        : Ending.NONE;
  }

  /** The text after the prompt of a sequence that has ended. */
  String newText(int[] tokens, int length) {
    var text = new StreamedText(tokenizer, trimmed, prompt);
    var result = new StringBuilder();
    for (int i = prompt.length; i < length - 1; i++) {
      result.append(text.add(tokens[i]));
    }
    return result.append(text.finish(tokens[length - 1], ending(tokens, length).drop())).toString();
  }
}
