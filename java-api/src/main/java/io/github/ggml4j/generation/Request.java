package io.github.ggml4j.generation;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A configuration applied to one prompt of one model: lengths in tokens, what ends a sequence, and
 * the processors in Hugging Face's order.
 */
@SuppressWarnings("ArrayRecordComponent") // plans are never compared as values
record Plan(
    GenerationConfig config,
    int[] prompt,
    int maxLength,
    List<Integer> eosTokenIds,
    List<LogitsProcessor> processors,
    List<CandidateFilter> filters,
    StopStrings stopStrings,
    StopStrings trimmed,
    TokenText text) {

  /**
   * Checks what depends on prompt and model.
   *
   * @throws IllegalArgumentException naming the value and what was expected
   */
  static Plan of(GenerationConfig config, int[] prompt, ModelLimits model, TokenText text) {
    checkPrompt(prompt, model);
    int maxLength = maxLength(config, prompt.length, model.maxLength());
    var eos = config.eosTokenIds() == null ? model.eosTokenIds() : config.eosTokenIds();
    checkIds("eosTokenIds", eos, model.vocabSize());
    checkIds("forcedEosTokenIds", config.forcedEosTokenIds(), model.vocabSize());
    var badWords = badWords(config, text);
    badWords.forEach(word -> checkIds("badWordsIds", word, model.vocabSize()));
    var stop = new StopStrings(config.stopStrings(), text);
    return new Plan(
        config,
        prompt,
        maxLength,
        eos,
        processors(config, prompt.length, maxLength, eos, badWords),
        config.doSample() ? filters(config, eos.size()) : List.of(),
        stop,
        config.trimStopStrings() ? stop : new StopStrings(List.of(), text),
        text);
  }

  private static void checkPrompt(int[] prompt, ModelLimits model) {
    if (prompt.length == 0) {
      throw new IllegalArgumentException(
          "The prompt is empty, expected at least one token. allowEmptyPrompt(true) starts from the"
              + " beginning-of-sequence token.");
    }
    if (prompt.length >= model.maxLength()) {
      throw new IllegalArgumentException(
          "The prompt has "
              + prompt.length
              + " tokens, expected fewer than this model's n_positions, which is "
              + model.maxLength()
              + ". Shorten it.");
    }
    for (int i = 0; i < prompt.length; i++) {
      if (prompt[i] < 0 || prompt[i] >= model.vocabSize()) {
        throw new IllegalArgumentException(
            "Token "
                + i
                + " of the prompt is "
                + prompt[i]
                + ", expected 0 to "
                + (model.vocabSize() - 1)
                + ". Use the tokenizer of this model.");
      }
    }
  }

  private static void checkIds(String name, List<Integer> ids, int vocabSize) {
    for (int id : ids) {
      if (id >= vocabSize) {
        throw new IllegalArgumentException(
            name
                + " has "
                + id
                + ", expected at most "
                + (vocabSize - 1)
                + ". Use the tokenizer of this model.");
      }
    }
  }

  private static int maxLength(GenerationConfig config, int promptLength, int limit) {
    Integer maxNewTokens = config.maxNewTokens();
    Integer maxLength = config.maxLength();
    if (maxNewTokens != null) {
      int room = limit - promptLength;
      if (maxNewTokens > room) {
        throw new IllegalArgumentException(
            "maxNewTokens is "
                + maxNewTokens
                + " behind a prompt of "
                + promptLength
                + " tokens, expected at most "
                + room
                + ", since this model has n_positions = "
                + limit
                + ". Ask for fewer or shorten the prompt.");
      }
      return promptLength + maxNewTokens;
    }
    if (maxLength == null) {
      return Math.min(limit, promptLength + GenerationConfig.DEFAULT_NEW_TOKENS);
    }
    if (maxLength > limit) {
      throw new IllegalArgumentException(
          "maxLength is "
              + maxLength
              + ", expected at most this model's n_positions, which is "
              + limit);
    }
    if (promptLength >= maxLength) {
      throw new IllegalArgumentException(
          "maxLength is "
              + maxLength
              + ", expected more than the "
              + promptLength
              + " tokens of the prompt, which it includes. maxNewTokens counts without the"
              + " prompt.");
    }
    return maxLength;
  }

  private static List<List<Integer>> badWords(GenerationConfig config, TokenText text) {
    var words = new ArrayList<>(config.badWordsIds());
    for (var word : config.badWords()) {
      words.add(Arrays.stream(text.encode(word)).boxed().toList());
      words.add(Arrays.stream(text.encode(" " + word)).boxed().toList());
    }
    return words;
  }

  private static List<LogitsProcessor> processors(
      GenerationConfig config,
      int promptLength,
      int maxLength,
      List<Integer> eos,
      List<List<Integer>> badWords) {
    var processors = new ArrayList<LogitsProcessor>();
    if (config.repetitionPenalty() != 1) {
      processors.add(LogitsProcessors.repetitionPenalty(config.repetitionPenalty()));
    }
    if (config.noRepeatNgramSize() > 0) {
      processors.add(LogitsProcessors.noRepeatNgram(config.noRepeatNgramSize()));
    }
    if (!badWords.isEmpty()) {
      processors.add(LogitsProcessors.badWords(badWords, eos));
    }
    // Of the two minimums the one for new tokens counts, as of the two maximums.
    Integer minNewTokens = config.minNewTokens();
    if (minNewTokens != null) {
      processors.add(LogitsProcessors.minNewTokens(promptLength, minNewTokens, eos));
    } else if (config.minLength() > 0) {
      processors.add(LogitsProcessors.minLength(config.minLength(), eos));
    }
    if (!config.forcedEosTokenIds().isEmpty()) {
      processors.add(LogitsProcessors.forcedEos(maxLength, config.forcedEosTokenIds()));
    }
    processors.addAll(config.logitsProcessors());
    return List.copyOf(processors);
  }

  private static List<CandidateFilter> filters(GenerationConfig config, int eosTokens) {
    // Beam search needs a way on beside every way to end.
    int keep = config.numBeams() > 1 ? Math.max(2, eosTokens + 1) : 1;
    var filters = new ArrayList<CandidateFilter>();
    if (config.temperature() != 1) {
      filters.add(new CandidateFilter.Temperature(config.temperature()));
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
    return List.copyOf(filters);
  }

  /** Runs the processors over logits; {@code tokens} may be longer than the sequence. */
  void process(int[] tokens, int length, float[] logits) {
    if (!processors.isEmpty()) {
      int[] sequence = Arrays.copyOf(tokens, length);
      for (var processor : processors) {
        processor.process(sequence, logits);
      }
    }
  }

  /** Runs the filters. */
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
    return length >= maxLength ? new Ending(FinishReason.LENGTH, 0) : Ending.NONE;
  }

  /** The text after the prompt of a sequence that has ended. */
  String newText(int[] tokens, int length) {
    var pieces = new TextPieces(text, trimmed, prompt);
    var result = new StringBuilder();
    for (int i = prompt.length; i < length - 1; i++) {
      result.append(pieces.add(tokens[i]));
    }
    return result
        .append(pieces.finish(tokens[length - 1], ending(tokens, length).drop()))
        .toString();
  }
}
