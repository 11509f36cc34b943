package io.github.ggml4j.generation;

import io.github.ggml4j.model.Gpt2Model;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How to generate, with the names, meanings and defaults of Hugging Face's {@code
 * GenerationConfig}. Lengths are in tokens.
 *
 * <p>Without a length, 20 tokens follow the prompt, or fewer at the model's limit. Lengths count
 * for every prompt of a batch by itself: there is no padding that would count.
 *
 * <p>Processors work in this order: repetition penalty, no-repeat n-grams, bad words, minimum
 * length, minimum of new tokens, forced end of sequence, your own in the order given; then, when
 * sampling, temperature, top-k, top-p, min-p, typical-p.
 *
 * @param maxLength of the sequence, prompt included
 * @param maxNewTokens most tokens after the prompt; goes before {@code maxLength}
 * @param minLength of the sequence, prompt included: no end of sequence before
 * @param minNewTokens fewest tokens after the prompt
 * @param doSample whether to draw tokens by their probability rather than take the most likely
 * @param temperature over 1 makes sampling bolder, under 1 more careful
 * @param topK sampling considers the k most likely tokens; 0 turns it off
 * @param topP sampling considers the most likely tokens that together reach this probability; 1
 *     turns it off
 * @param minP sampling considers tokens at least this many times as likely as the most likely one;
 *     null or 0 turns it off
 * @param typicalP sampling considers tokens of typical surprise up to this probability; 1 turns it
 *     off
 * @param repetitionPenalty over 1 discourages tokens that have occurred, prompt included; 1 turns
 *     it off
 * @param noRepeatNgramSize runs of this many tokens occur once only; 0 turns it off
 * @param badWordsIds sequences of tokens that must not occur
 * @param badWords texts that must not occur, each as it is tokenized by itself and after a space
 * @param numBeams over 1 makes it beam search, with {@code doSample} stochastic beam search
 * @param lengthPenalty beam scores are divided by length to this power: over 0 favours long
 *     sequences
 * @param earlyStopping when beam search ends
 * @param numReturnSequences continuations of every prompt
 * @param stopStrings a sequence ends with the token that completes one of these; a part of it may
 *     stand in the prompt
 * @param trimStopStrings whether the text ends before the stop string, else with the token that
 *     completed it, as in Hugging Face
 * @param eosTokenIds a sequence ends with one of these; null means the model's, an empty list none
 * @param forcedEosTokenIds the last token at the maximum length is one of these; empty turns it off
 * @param returnFullText whether texts begin with their prompt
 * @param allowEmptyPrompt whether an empty prompt means to start from the beginning-of-sequence
 *     token, as in Hugging Face, and is no error
 * @param logProbs whether to compute log-probabilities of the chosen tokens
 * @param seed the same seed gives the same text; null means {@link GlobalSeed}. Each of the
 *     returned sequences has its own random numbers, the same whatever else is in the batch
 * @param logitsProcessors your own
 */
public record GenerationConfig(
    @Nullable Integer maxLength,
    @Nullable Integer maxNewTokens,
    int minLength,
    @Nullable Integer minNewTokens,
    boolean doSample,
    float temperature,
    int topK,
    float topP,
    @Nullable Float minP,
    float typicalP,
    float repetitionPenalty,
    int noRepeatNgramSize,
    List<List<Integer>> badWordsIds,
    List<String> badWords,
    int numBeams,
    float lengthPenalty,
    EarlyStopping earlyStopping,
    int numReturnSequences,
    List<String> stopStrings,
    boolean trimStopStrings,
    @Nullable List<Integer> eosTokenIds,
    List<Integer> forcedEosTokenIds,
    boolean returnFullText,
    boolean allowEmptyPrompt,
    boolean logProbs,
    @Nullable Long seed,
    List<LogitsProcessor> logitsProcessors) {

  /** What {@code maxLength} and {@code maxNewTokens} default to: this many new tokens. */
  public static final int DEFAULT_NEW_TOKENS = 20;

  /**
   * Checks every value that can be judged without a model.
   *
   * @throws IllegalArgumentException naming the value and what was expected
   */
  public GenerationConfig {
    if (maxLength != null) {
      Check.atLeast("maxLength", maxLength, 1);
    }
    if (maxNewTokens != null) {
      Check.atLeast("maxNewTokens", maxNewTokens, 1);
    }
    Check.atLeast("minLength", minLength, 0);
    if (minNewTokens != null) {
      Check.atLeast("minNewTokens", minNewTokens, 0);
    }
    if (maxNewTokens == null && maxLength != null && minLength > maxLength) {
      throw new IllegalArgumentException(
          "minLength is " + minLength + " and maxLength " + maxLength + ", expected no more");
    }
    if (maxNewTokens != null && minNewTokens != null && minNewTokens > maxNewTokens) {
      throw new IllegalArgumentException(
          "minNewTokens is "
              + minNewTokens
              + " and maxNewTokens "
              + maxNewTokens
              + ", expected no more");
    }
    Check.temperature(temperature);
    Check.atLeast("topK", topK, 0);
    Check.probability("topP", topP);
    if (minP != null) {
      Check.probability("minP", minP);
    }
    Check.typicalP(typicalP);
    Check.positive("repetitionPenalty", repetitionPenalty);
    Check.atLeast("noRepeatNgramSize", noRepeatNgramSize, 0);
    badWordsIds = badWordsIds.stream().map(List::copyOf).toList();
    for (var word : badWordsIds) {
      if (word.isEmpty() || word.stream().anyMatch(id -> id < 0)) {
        throw new IllegalArgumentException(
            "badWordsIds has " + word + ", expected at least one token id, none negative");
      }
    }
    badWords = List.copyOf(badWords);
    if (badWords.contains("")) {
      throw new IllegalArgumentException("badWords has an empty text, expected a word");
    }
    Check.atLeast("numBeams", numBeams, 1);
    Check.finite("lengthPenalty", lengthPenalty);
    Check.atLeast("numReturnSequences", numReturnSequences, 1);
    if (numReturnSequences > 1 && numBeams == 1 && !doSample) {
      throw new IllegalArgumentException(
          "numReturnSequences is "
              + numReturnSequences
              + ", expected 1 for greedy search, which knows one continuation. Use doSample(true)"
              + " or numBeams("
              + numReturnSequences
              + ").");
    }
    if (numBeams > 1 && numReturnSequences > numBeams) {
      throw new IllegalArgumentException(
          "numReturnSequences is "
              + numReturnSequences
              + ", expected at most numBeams, which is "
              + numBeams
              + ". Use more beams.");
    }
    stopStrings = List.copyOf(stopStrings);
    if (stopStrings.contains("")) {
      throw new IllegalArgumentException(
          "stopStrings has an empty text, expected at least one character");
    }
    if (eosTokenIds != null) {
      eosTokenIds = List.copyOf(eosTokenIds);
      for (int id : eosTokenIds) {
        Check.atLeast("eosTokenIds", id, 0);
      }
    }
    forcedEosTokenIds = List.copyOf(forcedEosTokenIds);
    for (int id : forcedEosTokenIds) {
      Check.atLeast("forcedEosTokenIds", id, 0);
    }
    logitsProcessors = List.copyOf(logitsProcessors);
  }

  /** Hugging Face's defaults: greedy search for 20 new tokens. */
  public static GenerationConfig defaults() {
    return builder().build();
  }

  /** Starts from {@link #defaults()}. */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * Starts from what a model brings along in its {@code generation_config.json}, as Hugging Face's
   * {@code generate} does, and for what it does not say from {@link #defaults()}. Taken are all
   * options that this knows but {@code num_return_sequences}.
   *
   * @throws IllegalArgumentException when a value there is of the wrong kind or out of range
   */
  public static Builder builder(Gpt2Model model) {
    var builder = builder();
    ModelDefaults.apply(model, builder);
    return builder;
  }

  /** Starts from this one. */
  public Builder toBuilder() {
    return new Builder(this);
  }

  /** Sets values by name; see {@link GenerationConfig} for their meaning. */
  public static final class Builder {
    private @Nullable Integer maxLength;
    private @Nullable Integer maxNewTokens;
    private int minLength;
    private @Nullable Integer minNewTokens;
    private boolean doSample;
    private float temperature = 1;
    private int topK = 50;
    private float topP = 1;
    private @Nullable Float minP;
    private float typicalP = 1;
    private float repetitionPenalty = 1;
    private int noRepeatNgramSize;
    private List<List<Integer>> badWordsIds = new ArrayList<>();
    private List<String> badWords = new ArrayList<>();
    private int numBeams = 1;
    private float lengthPenalty = 1;
    private EarlyStopping earlyStopping = EarlyStopping.FALSE;
    private int numReturnSequences = 1;
    private List<String> stopStrings = new ArrayList<>();
    private boolean trimStopStrings;
    private @Nullable List<Integer> eosTokenIds;
    private List<Integer> forcedEosTokenIds = List.of();
    private boolean returnFullText = true;
    private boolean allowEmptyPrompt;
    private boolean logProbs;
    private @Nullable Long seed;
    private final List<LogitsProcessor> logitsProcessors = new ArrayList<>();

    private Builder() {}

    private Builder(GenerationConfig c) {
      maxLength = c.maxLength;
      maxNewTokens = c.maxNewTokens;
      minLength = c.minLength;
      minNewTokens = c.minNewTokens;
      doSample = c.doSample;
      temperature = c.temperature;
      topK = c.topK;
      topP = c.topP;
      minP = c.minP;
      typicalP = c.typicalP;
      repetitionPenalty = c.repetitionPenalty;
      noRepeatNgramSize = c.noRepeatNgramSize;
      badWordsIds = new ArrayList<>(c.badWordsIds);
      badWords = new ArrayList<>(c.badWords);
      numBeams = c.numBeams;
      lengthPenalty = c.lengthPenalty;
      earlyStopping = c.earlyStopping;
      numReturnSequences = c.numReturnSequences;
      stopStrings = new ArrayList<>(c.stopStrings);
      trimStopStrings = c.trimStopStrings;
      eosTokenIds = c.eosTokenIds;
      forcedEosTokenIds = c.forcedEosTokenIds;
      returnFullText = c.returnFullText;
      allowEmptyPrompt = c.allowEmptyPrompt;
      logProbs = c.logProbs;
      seed = c.seed;
      logitsProcessors.addAll(c.logitsProcessors);
    }

    /** Longest sequence in tokens, prompt included. */
    public Builder maxLength(int tokens) {
      maxLength = tokens;
      return this;
    }

    /** Most tokens after the prompt; goes before {@link #maxLength}. */
    public Builder maxNewTokens(int tokens) {
      maxNewTokens = tokens;
      return this;
    }

    /** No end of sequence before this many tokens, prompt included. */
    public Builder minLength(int tokens) {
      minLength = tokens;
      return this;
    }

    /** No end of sequence before this many tokens after the prompt. */
    public Builder minNewTokens(int tokens) {
      minNewTokens = tokens;
      return this;
    }

    /** Whether to draw tokens by their probability; otherwise the most likely are taken. */
    public Builder doSample(boolean value) {
      doSample = value;
      return this;
    }

    /** Divides the scores when sampling; over 0. */
    public Builder temperature(double value) {
      temperature = (float) value;
      return this;
    }

    /** Sampling considers the k most likely tokens; 0 turns it off. */
    public Builder topK(int k) {
      topK = k;
      return this;
    }

    /** Sampling considers the most likely tokens that together reach p; 1 turns it off. */
    public Builder topP(double p) {
      topP = (float) p;
      return this;
    }

    /** Sampling considers tokens at least p times as likely as the most likely one. */
    public Builder minP(double p) {
      minP = (float) p;
      return this;
    }

    /** Sampling considers tokens of typical surprise that together reach p; 1 turns it off. */
    public Builder typicalP(double p) {
      typicalP = (float) p;
      return this;
    }

    /** Over 1 discourages tokens that have occurred, prompt included. */
    public Builder repetitionPenalty(double penalty) {
      repetitionPenalty = (float) penalty;
      return this;
    }

    /** No run of this many tokens occurs twice; 0 turns it off. */
    public Builder noRepeatNgramSize(int size) {
      noRepeatNgramSize = size;
      return this;
    }

    /** Sequences of token ids that must not occur, besides {@link #badWords}. */
    public Builder badWordsIds(List<List<Integer>> ids) {
      badWordsIds = new ArrayList<>(ids);
      return this;
    }

    /**
     * Texts that must not occur: each is tokenized by itself and with a space before it. Other ways
     * to tokenize the same text remain possible.
     */
    public Builder badWords(String... words) {
      badWords = new ArrayList<>(Arrays.asList(words));
      return this;
    }

    /** Over 1 makes it beam search. */
    public Builder numBeams(int beams) {
      numBeams = beams;
      return this;
    }

    /** Over 0 favours long sequences in beam search, under 0 short ones. */
    public Builder lengthPenalty(double penalty) {
      lengthPenalty = (float) penalty;
      return this;
    }

    /** When beam search ends. */
    public Builder earlyStopping(EarlyStopping value) {
      earlyStopping = value;
      return this;
    }

    /** Whether beam search ends as soon as there are {@code numBeams} finished sequences. */
    public Builder earlyStopping(boolean value) {
      return earlyStopping(value ? EarlyStopping.TRUE : EarlyStopping.FALSE);
    }

    /** Continuations of every prompt. */
    public Builder numReturnSequences(int number) {
      numReturnSequences = number;
      return this;
    }

    /** A sequence ends with the token that completes one of these. */
    public Builder stopStrings(String... strings) {
      stopStrings = new ArrayList<>(Arrays.asList(strings));
      return this;
    }

    /** Whether the text ends before the stop string rather than behind it. */
    public Builder trimStopStrings(boolean value) {
      trimStopStrings = value;
      return this;
    }

    /** A sequence ends with one of these instead of the model's; none of them: it never does. */
    public Builder eosTokenIds(int... ids) {
      eosTokenIds = Arrays.stream(ids).boxed().toList();
      return this;
    }

    /** The last token at the maximum length is one of these. */
    public Builder forcedEosTokenIds(int... ids) {
      forcedEosTokenIds = Arrays.stream(ids).boxed().toList();
      return this;
    }

    /** Whether texts begin with their prompt. */
    public Builder returnFullText(boolean value) {
      returnFullText = value;
      return this;
    }

    /** Whether an empty prompt starts from the beginning-of-sequence token and is no error. */
    public Builder allowEmptyPrompt(boolean value) {
      allowEmptyPrompt = value;
      return this;
    }

    /** Whether to compute log-probabilities of the chosen tokens. */
    public Builder logProbs(boolean value) {
      logProbs = value;
      return this;
    }

    /** The same seed gives the same text. */
    public Builder seed(long value) {
      seed = value;
      return this;
    }

    /** Adds a processor of your own behind Hugging Face's and those added before. */
    public Builder logitsProcessor(LogitsProcessor processor) {
      logitsProcessors.add(processor);
      return this;
    }

    /**
     * The configuration.
     *
     * @throws IllegalArgumentException naming a value and what was expected
     */
    public GenerationConfig build() {
      return new GenerationConfig(
          maxLength,
          maxNewTokens,
          minLength,
          minNewTokens,
          doSample,
          temperature,
          topK,
          topP,
          minP,
          typicalP,
          repetitionPenalty,
          noRepeatNgramSize,
          badWordsIds,
          badWords,
          numBeams,
          lengthPenalty,
          earlyStopping,
          numReturnSequences,
          stopStrings,
          trimStopStrings,
          eosTokenIds,
          forcedEosTokenIds,
          returnFullText,
          allowEmptyPrompt,
          logProbs,
          seed,
          logitsProcessors);
    }
  }
}
