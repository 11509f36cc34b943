package io.github.ggml4j.generation;

import io.github.ggml4j.error.InvalidArgumentException;
import io.github.ggml4j.internal.Check;
import io.github.ggml4j.model.Gpt2Model;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Options of text generation, with the names, meanings and defaults of Hugging Face's {@code
 * GenerationConfig}. Lengths are in tokens. Token ids are checked against the vocabulary when
 * generation starts.
 *
 * <p>If no maximum length is set, {@value #DEFAULT_NEW_TOKENS} tokens follow the prompt, or fewer
 * if the model's {@code n_positions} is reached. Lengths apply to each prompt of a batch by itself;
 * a batch has no padding.
 *
 * <p>Logits pass through these steps, in transformers' order: guidance, sequence bias, encoder
 * repetition penalty, repetition penalty, no-repeat n-grams, encoder no-repeat n-grams, bad words,
 * minimum length, forced first token, forced end token, removal of invalid values, exponential
 * decay, suppressed tokens, tokens suppressed at the beginning, your own processors in the order
 * given; when sampling: temperature, top-h, top-k, top-p, min-p, typical-p, epsilon cutoff, eta
 * cutoff; last, renormalization.
 *
 * @param maxLength most tokens of a sequence, prompt included; null if not set
 * @param maxNewTokens most tokens after the prompt; takes precedence over {@code maxLength}; null
 *     if not set
 * @param minLength fewest tokens of a sequence, prompt included: end-of-sequence tokens are
 *     forbidden before that; 0 turns it off
 * @param minNewTokens fewest tokens after the prompt; takes precedence over {@code minLength}; null
 *     if not set
 * @param maxTime generation ends after the first token that is computed later than this; null means
 *     no limit
 * @param doSample true draws tokens by their probability, false takes the most likely
 * @param temperature divides the logits when sampling; above 1 flattens the distribution, below 1
 *     sharpens it
 * @param topK sampling keeps the k most likely tokens; 0 turns it off
 * @param topP sampling keeps the fewest most likely tokens whose probabilities add up to this; 1
 *     turns it off
 * @param minP sampling keeps tokens whose probability is at least this share of the highest; null
 *     or 0 turns it off
 * @param topH sampling keeps the most likely tokens until they hold this share of the entropy of
 *     the distribution ({@code TopHLogitsWarper}); null turns it off
 * @param typicalP sampling keeps the tokens whose information content is nearest to the entropy,
 *     until their probabilities add up to this; 1 turns it off
 * @param epsilonCutoff sampling keeps tokens whose probability is at least this; 0 turns it off
 * @param etaCutoff sampling keeps tokens whose probability is at least {@code min(eta, sqrt(eta)
 *     e^-entropy)}; 0 turns it off
 * @param repetitionPenalty above 1 discourages tokens that have occurred, prompt included; 1 turns
 *     it off
 * @param encoderRepetitionPenalty above 1 favours tokens of the prompt; 1 turns it off
 * @param noRepeatNgramSize no n-gram of this size occurs twice, prompt included; 0 turns it off
 * @param encoderNoRepeatNgramSize no n-gram of this size from the prompt is generated; 0 turns it
 *     off
 * @param sequenceBias added to the logit of the token that would complete a sequence of token ids
 * @param badWordsIds sequences of token ids that are never completed
 * @param badWords texts that are never completed, each as tokenized by itself and after a space
 * @param suppressTokens token ids that are never generated
 * @param beginSuppressTokens token ids that are not generated as the first token
 * @param forcedBosTokenId id of the first generated token after a prompt of one token; null turns
 *     it off
 * @param forcedEosTokenIds at the maximum length the last token is one of these; empty turns it off
 * @param exponentialDecayLengthPenalty raises the logits of end-of-sequence tokens with the length;
 *     null turns it off
 * @param removeInvalidValues whether NaN becomes 0 and infinite logits the largest finite ones
 * @param renormalizeLogits whether the processed logits become log-probabilities again
 * @param guidanceScale classifier-free guidance: above 1 follows the prompt more closely; 1 turns
 *     it off. Not with beam search
 * @param negativePrompt text that guidance moves away from; null means the last token of the prompt
 * @param negativePromptIds token ids that guidance moves away from, instead of a text; empty if not
 *     set
 * @param numBeams above 1 selects beam search, with {@code doSample} beam-search sampling
 * @param lengthPenalty beam search divides the sum of log-probabilities by the length to this
 *     power: above 0 favours long sequences
 * @param earlyStopping when beam search ends
 * @param promptLookupNumTokens assisted generation: this many tokens are proposed from an earlier
 *     occurrence of the last tokens and computed in one step. The text does not change, and fewer
 *     steps are needed; 0 turns it off. Not with beam search or guidance
 * @param maxMatchingNgramSize most tokens that must match for a proposal
 * @param numReturnSequences number of continuations of each prompt
 * @param stopStrings a sequence ends with the token that completes one of these; the beginning of a
 *     stop string may be in the prompt
 * @param trimStopStrings true leaves the stop string out of the text; false keeps it, with all of
 *     the last token, as Hugging Face does
 * @param eosTokenIds a sequence ends with one of these; null means the model's, an empty list none
 * @param returnFullText whether texts begin with their prompt
 * @param allowEmptyPrompt true starts an empty prompt from the beginning-of-sequence token, as
 *     Hugging Face does; false makes it an error
 * @param logProbs whether to compute log-probabilities of the chosen tokens
 * @param seed the same seed gives the same text; null takes the next one of {@link
 *     io.github.ggml4j.Ggml4j#setSeed}. Each returned sequence has its own random numbers, which do
 *     not depend on the rest of the batch
 * @param adapter name of the adapter of the model that is used; null for none
 * @param logitsProcessors your own processors
 */
public record GenerationConfig(
    @Nullable Integer maxLength,
    @Nullable Integer maxNewTokens,
    int minLength,
    @Nullable Integer minNewTokens,
    @Nullable Duration maxTime,
    boolean doSample,
    float temperature,
    int topK,
    float topP,
    @Nullable Float minP,
    @Nullable Float topH,
    float typicalP,
    float epsilonCutoff,
    float etaCutoff,
    float repetitionPenalty,
    float encoderRepetitionPenalty,
    int noRepeatNgramSize,
    int encoderNoRepeatNgramSize,
    Map<List<Integer>, Float> sequenceBias,
    List<List<Integer>> badWordsIds,
    List<String> badWords,
    List<Integer> suppressTokens,
    List<Integer> beginSuppressTokens,
    @Nullable Integer forcedBosTokenId,
    List<Integer> forcedEosTokenIds,
    @Nullable ExponentialDecayLengthPenalty exponentialDecayLengthPenalty,
    boolean removeInvalidValues,
    boolean renormalizeLogits,
    float guidanceScale,
    @Nullable String negativePrompt,
    List<Integer> negativePromptIds,
    int numBeams,
    float lengthPenalty,
    EarlyStopping earlyStopping,
    int promptLookupNumTokens,
    int maxMatchingNgramSize,
    int numReturnSequences,
    List<String> stopStrings,
    boolean trimStopStrings,
    @Nullable List<Integer> eosTokenIds,
    boolean returnFullText,
    boolean allowEmptyPrompt,
    boolean logProbs,
    @Nullable Long seed,
    @Nullable String adapter,
    List<LogitsProcessor> logitsProcessors) {

  /** Tokens after the prompt if neither {@code maxLength} nor {@code maxNewTokens} is set. */
  public static final int DEFAULT_NEW_TOKENS = 20;

  /** Default of {@code maxMatchingNgramSize}, as in transformers. */
  public static final int DEFAULT_MATCHING_NGRAM_SIZE = 2;

  /**
   * Checks all values that do not depend on a model.
   *
   * @throws InvalidArgumentException naming the value and what was expected
   */
  public GenerationConfig {
    checkLengths(maxLength, maxNewTokens, minLength, minNewTokens);
    if (maxTime != null && (maxTime.isZero() || maxTime.isNegative())) {
      throw new InvalidArgumentException("maxTime", maxTime, "more than 0");
    }
    checkTemperature(temperature);
    Check.atLeast("topK", topK, 0);
    Check.probability("topP", topP);
    if (minP != null) {
      Check.probability("minP", minP);
    }
    if (topH != null) {
      Check.positiveProbability("topH", topH);
    }
    Check.positiveProbability("typicalP", typicalP);
    Check.fraction("epsilonCutoff", epsilonCutoff);
    Check.fraction("etaCutoff", etaCutoff);
    Check.positive("repetitionPenalty", repetitionPenalty);
    Check.positive("encoderRepetitionPenalty", encoderRepetitionPenalty);
    Check.atLeast("noRepeatNgramSize", noRepeatNgramSize, 0);
    Check.atLeast("encoderNoRepeatNgramSize", encoderNoRepeatNgramSize, 0);
    sequenceBias = copy(sequenceBias);
    badWordsIds = badWordsIds.stream().map(List::copyOf).toList();
    badWordsIds.forEach(ids -> checkSequence("badWordsIds", ids));
    badWords = List.copyOf(badWords);
    if (badWords.contains("")) {
      throw new InvalidArgumentException("badWords", badWords, "texts that are not empty");
    }
    suppressTokens = checkIds("suppressTokens", suppressTokens);
    beginSuppressTokens = checkIds("beginSuppressTokens", beginSuppressTokens);
    if (forcedBosTokenId != null) {
      Check.atLeast("forcedBosTokenId", forcedBosTokenId, 0);
      checkNotSuppressed("forcedBosTokenId", List.of(forcedBosTokenId), suppressTokens);
    }
    forcedEosTokenIds = checkIds("forcedEosTokenIds", forcedEosTokenIds);
    checkNotSuppressed("forcedEosTokenIds", forcedEosTokenIds, suppressTokens);
    negativePromptIds = checkIds("negativePromptIds", negativePromptIds);
    checkGuidance(guidanceScale, negativePrompt, negativePromptIds, numBeams);
    Check.atLeast("numBeams", numBeams, 1);
    Check.finite("lengthPenalty", lengthPenalty);
    checkPromptLookup(promptLookupNumTokens, maxMatchingNgramSize, numBeams, guidanceScale);
    checkReturnSequences(numReturnSequences, numBeams, doSample);
    stopStrings = List.copyOf(stopStrings);
    if (stopStrings.contains("")) {
      throw new InvalidArgumentException("stopStrings", stopStrings, "texts that are not empty");
    }
    if (eosTokenIds != null) {
      eosTokenIds = checkIds("eosTokenIds", eosTokenIds);
    }
    logitsProcessors = List.copyOf(logitsProcessors);
  }

  private static void checkLengths(
      @Nullable Integer maxLength,
      @Nullable Integer maxNewTokens,
      int minLength,
      @Nullable Integer minNewTokens) {
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
      throw new InvalidArgumentException(
          "minLength", minLength, "at most {maxLength}, which is " + maxLength);
    }
    if (maxNewTokens != null && minNewTokens != null && minNewTokens > maxNewTokens) {
      throw new InvalidArgumentException(
          "minNewTokens", minNewTokens, "at most {maxNewTokens}, which is " + maxNewTokens);
    }
  }

  static void checkTemperature(float temperature) {
    if (temperature == 0) {
      throw new InvalidArgumentException(
          "temperature",
          temperature,
          "a finite number above 0",
          "For greedy search turn {doSample} off.");
    }
    Check.positive("temperature", temperature);
  }

  private static Map<List<Integer>, Float> copy(Map<List<Integer>, Float> sequenceBias) {
    var copy = new LinkedHashMap<List<Integer>, Float>();
    sequenceBias.forEach((ids, bias) -> {
      checkSequence("sequenceBias", ids);
      Check.finite("sequenceBias", bias);
      copy.put(List.copyOf(ids), bias);
    });
    return java.util.Collections.unmodifiableMap(copy);
  }

  private static void checkSequence(String name, List<Integer> ids) {
    if (ids.isEmpty()) {
      throw new InvalidArgumentException(name, ids, "at least one token id in each sequence");
    }
    checkIds(name, ids);
  }

  private static List<Integer> checkIds(String name, List<Integer> ids) {
    for (int id : ids) {
      Check.atLeast(name, id, 0);
    }
    return List.copyOf(ids);
  }

  private static void checkNotSuppressed(String name, List<Integer> ids, List<Integer> suppressed) {
    if (!ids.isEmpty() && suppressed.containsAll(ids)) {
      throw new InvalidArgumentException(
          name,
          ids,
          "tokens that are not all in {suppressTokens}",
          "Otherwise no token can be chosen when one of them is forced.");
    }
  }

  private static void checkGuidance(
      float scale, @Nullable String negative, List<Integer> negativeIds, int numBeams) {
    Check.finite("guidanceScale", scale);
    if (scale != 1 && numBeams > 1) {
      throw new InvalidArgumentException(
          "guidanceScale",
          scale,
          "1 with beam search",
          "{numBeams} is " + numBeams + "; set it to 1 for guidance.");
    }
    if (negative != null && !negativeIds.isEmpty()) {
      throw new InvalidArgumentException(
          "negativePromptIds", negativeIds, "none besides {negativePrompt}", "Set one of them.");
    }
    if (negative != null && negative.isEmpty()) {
      throw new InvalidArgumentException(
          "negativePrompt",
          "empty",
          "a text",
          "Without one, guidance starts from the last token of the prompt.");
    }
  }

  private static void checkPromptLookup(int tokens, int ngram, int numBeams, float guidanceScale) {
    Check.atLeast("promptLookupNumTokens", tokens, 0);
    Check.atLeast("maxMatchingNgramSize", ngram, 1);
    if (tokens > 0 && numBeams > 1) {
      throw new InvalidArgumentException(
          "promptLookupNumTokens",
          tokens,
          "0 with beam search",
          "{numBeams} is " + numBeams + "; set it to 1 for prompt lookup.");
    }
    if (tokens > 0 && guidanceScale != 1) {
      throw new InvalidArgumentException(
          "promptLookupNumTokens",
          tokens,
          "0 with guidance",
          "{guidanceScale} is " + guidanceScale + "; set it to 1 for prompt lookup.");
    }
  }

  private static void checkReturnSequences(int sequences, int numBeams, boolean doSample) {
    Check.atLeast("numReturnSequences", sequences, 1);
    if (sequences > 1 && numBeams == 1 && !doSample) {
      throw new InvalidArgumentException(
          "numReturnSequences",
          sequences,
          "1 for greedy search, which has one continuation",
          "Turn {doSample} on, or set {numBeams} to " + sequences + ".");
    }
    if (numBeams > 1 && sequences > numBeams) {
      throw new InvalidArgumentException(
          "numReturnSequences",
          sequences,
          "at most {numBeams}, which is " + numBeams,
          "Use more beams.");
    }
  }

  /** Hugging Face's defaults: greedy search for {@value #DEFAULT_NEW_TOKENS} new tokens. */
  public static GenerationConfig defaults() {
    return builder().build();
  }

  /** Starts from {@link #defaults()}. */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * Starts from the options that come with a model, as Hugging Face's {@code generate} does, and
   * from {@link #defaults()} for the others. All options are taken except {@code
   * num_return_sequences}. An option that is not supported, or not known, is logged as a warning,
   * once.
   *
   * @throws IllegalArgumentException if a value there has the wrong type or is out of range
   */
  public static Builder builder(Gpt2Model model) {
    var builder = builder();
    ModelDefaults.apply(model, builder);
    builder.given.clear();
    return builder;
  }

  /**
   * Starts from this configuration. Its values count as the caller's: {@link Builder#build} does
   * not adjust them, whether they were the model's or not.
   */
  public Builder toBuilder() {
    return new Builder(this);
  }

  /**
   * Sets options by name; see {@link GenerationConfig} for their meaning.
   *
   * <p>A value that is set here takes precedence over one of a model: {@link #maxNewTokens} lowers
   * a larger minimum of the model.
   */
  public static final class Builder {
    private @Nullable Integer maxLength;
    private @Nullable Integer maxNewTokens;
    private int minLength;
    private @Nullable Integer minNewTokens;
    private @Nullable Duration maxTime;
    private boolean doSample;
    private float temperature = 1;
    private int topK = 50;
    private float topP = 1;
    private @Nullable Float minP;
    private @Nullable Float topH;
    private float typicalP = 1;
    private float epsilonCutoff;
    private float etaCutoff;
    private float repetitionPenalty = 1;
    private float encoderRepetitionPenalty = 1;
    private int noRepeatNgramSize;
    private int encoderNoRepeatNgramSize;
    private Map<List<Integer>, Float> sequenceBias = Map.of();
    private List<List<Integer>> badWordsIds = List.of();
    private List<String> badWords = List.of();
    private List<Integer> suppressTokens = List.of();
    private List<Integer> beginSuppressTokens = List.of();
    private @Nullable Integer forcedBosTokenId;
    private List<Integer> forcedEosTokenIds = List.of();
    private @Nullable ExponentialDecayLengthPenalty exponentialDecayLengthPenalty;
    private boolean removeInvalidValues;
    private boolean renormalizeLogits;
    private float guidanceScale = 1;
    private @Nullable String negativePrompt;
    private List<Integer> negativePromptIds = List.of();
    private int numBeams = 1;
    private float lengthPenalty = 1;
    private EarlyStopping earlyStopping = EarlyStopping.FALSE;
    private int promptLookupNumTokens;
    private int maxMatchingNgramSize = DEFAULT_MATCHING_NGRAM_SIZE;
    private int numReturnSequences = 1;
    private List<String> stopStrings = List.of();
    private boolean trimStopStrings;
    private @Nullable List<Integer> eosTokenIds;
    private boolean returnFullText = true;
    private boolean allowEmptyPrompt;
    private boolean logProbs;
    private @Nullable Long seed;
    private @Nullable String adapter;
    private final List<LogitsProcessor> logitsProcessors = new ArrayList<>();

    /**
     * Names of options that the caller set on this builder, as opposed to defaults and the model's.
     */
    private final Set<String> given = new HashSet<>();

    private Builder() {}

    private Builder(GenerationConfig c) {
      maxLength = c.maxLength;
      maxNewTokens = c.maxNewTokens;
      minLength = c.minLength;
      minNewTokens = c.minNewTokens;
      maxTime = c.maxTime;
      doSample = c.doSample;
      temperature = c.temperature;
      topK = c.topK;
      topP = c.topP;
      minP = c.minP;
      topH = c.topH;
      typicalP = c.typicalP;
      epsilonCutoff = c.epsilonCutoff;
      etaCutoff = c.etaCutoff;
      repetitionPenalty = c.repetitionPenalty;
      encoderRepetitionPenalty = c.encoderRepetitionPenalty;
      noRepeatNgramSize = c.noRepeatNgramSize;
      encoderNoRepeatNgramSize = c.encoderNoRepeatNgramSize;
      sequenceBias = c.sequenceBias;
      badWordsIds = c.badWordsIds;
      badWords = c.badWords;
      suppressTokens = c.suppressTokens;
      beginSuppressTokens = c.beginSuppressTokens;
      forcedBosTokenId = c.forcedBosTokenId;
      forcedEosTokenIds = c.forcedEosTokenIds;
      exponentialDecayLengthPenalty = c.exponentialDecayLengthPenalty;
      removeInvalidValues = c.removeInvalidValues;
      renormalizeLogits = c.renormalizeLogits;
      guidanceScale = c.guidanceScale;
      negativePrompt = c.negativePrompt;
      negativePromptIds = c.negativePromptIds;
      numBeams = c.numBeams;
      lengthPenalty = c.lengthPenalty;
      earlyStopping = c.earlyStopping;
      promptLookupNumTokens = c.promptLookupNumTokens;
      maxMatchingNgramSize = c.maxMatchingNgramSize;
      numReturnSequences = c.numReturnSequences;
      stopStrings = c.stopStrings;
      trimStopStrings = c.trimStopStrings;
      eosTokenIds = c.eosTokenIds;
      returnFullText = c.returnFullText;
      allowEmptyPrompt = c.allowEmptyPrompt;
      logProbs = c.logProbs;
      seed = c.seed;
      adapter = c.adapter;
      logitsProcessors.addAll(c.logitsProcessors);
      given.add("minLength");
      given.add("minNewTokens");
      given.add("numBeams");
    }

    /** Most tokens of a sequence, prompt included. */
    public Builder maxLength(int tokens) {
      maxLength = tokens;
      return given("maxLength");
    }

    /** Most tokens after the prompt; takes precedence over {@link #maxLength}. */
    public Builder maxNewTokens(int tokens) {
      maxNewTokens = tokens;
      return given("maxNewTokens");
    }

    /** Fewest tokens of a sequence, prompt included. */
    public Builder minLength(int tokens) {
      minLength = tokens;
      return given("minLength");
    }

    /** Fewest tokens after the prompt; takes precedence over {@link #minLength}. */
    public Builder minNewTokens(int tokens) {
      minNewTokens = tokens;
      return given("minNewTokens");
    }

    /** Generation ends after the first token that is computed later than this. */
    public Builder maxTime(Duration time) {
      maxTime = time;
      return this;
    }

    /** True draws tokens by their probability, false takes the most likely. */
    public Builder doSample(boolean value) {
      doSample = value;
      return this;
    }

    /** Divides the logits when sampling; above 0. */
    public Builder temperature(double value) {
      temperature = (float) value;
      return given("temperature");
    }

    /** Sampling keeps the k most likely tokens; 0 turns it off. */
    public Builder topK(int k) {
      topK = k;
      return given("topK");
    }

    /** Sampling keeps the fewest most likely tokens that add up to p; 1 turns it off. */
    public Builder topP(double p) {
      topP = (float) p;
      return given("topP");
    }

    /** Sampling keeps tokens at least p times as likely as the most likely one. */
    public Builder minP(double p) {
      minP = (float) p;
      return given("minP");
    }

    /** Sampling keeps the most likely tokens that hold this share of the entropy; above 0, to 1. */
    public Builder topH(double share) {
      topH = (float) share;
      return given("topH");
    }

    /** Sampling keeps the most typical tokens that add up to p; 1 turns it off. */
    public Builder typicalP(double p) {
      typicalP = (float) p;
      return given("typicalP");
    }

    /** Sampling keeps tokens at least this likely; 0 turns it off. */
    public Builder epsilonCutoff(double epsilon) {
      epsilonCutoff = (float) epsilon;
      return given("epsilonCutoff");
    }

    /** Sampling keeps tokens at least as likely as a cutoff that falls with the entropy; 0: off. */
    public Builder etaCutoff(double eta) {
      etaCutoff = (float) eta;
      return given("etaCutoff");
    }

    /** Above 1 discourages tokens that have occurred, prompt included. */
    public Builder repetitionPenalty(double penalty) {
      repetitionPenalty = (float) penalty;
      return this;
    }

    /** Above 1 favours tokens of the prompt. */
    public Builder encoderRepetitionPenalty(double penalty) {
      encoderRepetitionPenalty = (float) penalty;
      return this;
    }

    /** No n-gram of this size occurs twice, prompt included; 0 turns it off. */
    public Builder noRepeatNgramSize(int size) {
      noRepeatNgramSize = size;
      return this;
    }

    /** No n-gram of this size from the prompt is generated; 0 turns it off. */
    public Builder encoderNoRepeatNgramSize(int size) {
      encoderNoRepeatNgramSize = size;
      return this;
    }

    /** Added to the logit of the token that would complete a sequence of token ids. */
    public Builder sequenceBias(Map<List<Integer>, Float> bias) {
      sequenceBias = new LinkedHashMap<>(bias);
      return this;
    }

    /** Sequences of token ids that are never completed, in addition to {@link #badWords}. */
    public Builder badWordsIds(List<List<Integer>> ids) {
      badWordsIds = new ArrayList<>(ids);
      return this;
    }

    /**
     * Texts that are never completed: each is tokenized by itself and with a space before it. Other
     * tokenizations of the same text remain possible.
     */
    public Builder badWords(String... words) {
      badWords = Arrays.asList(words.clone());
      return this;
    }

    /** Token ids that are never generated. */
    public Builder suppressTokens(int... ids) {
      suppressTokens = list(ids);
      return this;
    }

    /** Token ids that are not generated as the first token. */
    public Builder beginSuppressTokens(int... ids) {
      beginSuppressTokens = list(ids);
      return this;
    }

    /** Id of the first generated token after a prompt of one token. */
    public Builder forcedBosTokenId(int id) {
      forcedBosTokenId = id;
      return this;
    }

    /** At the maximum length the last token is one of these. */
    public Builder forcedEosTokenIds(int... ids) {
      forcedEosTokenIds = list(ids);
      return this;
    }

    /**
     * Raises the logits of end-of-sequence tokens with the length.
     *
     * @param startIndex generated tokens before the first change
     * @param decayFactor grows with each token by this factor; above 1 ends sequences earlier
     */
    public Builder exponentialDecayLengthPenalty(int startIndex, double decayFactor) {
      exponentialDecayLengthPenalty =
          new ExponentialDecayLengthPenalty(startIndex, (float) decayFactor);
      return this;
    }

    /** Whether NaN becomes 0 and infinite logits the largest finite ones. */
    public Builder removeInvalidValues(boolean value) {
      removeInvalidValues = value;
      return this;
    }

    /** Whether the processed logits become log-probabilities again. */
    public Builder renormalizeLogits(boolean value) {
      renormalizeLogits = value;
      return this;
    }

    /** Above 1 follows the prompt more closely, at the cost of a second sequence; 1: off. */
    public Builder guidanceScale(double scale) {
      guidanceScale = (float) scale;
      return this;
    }

    /** Text that guidance moves away from; without one, the last token of the prompt. */
    public Builder negativePrompt(String text) {
      negativePrompt = text;
      return given("negativePrompt");
    }

    /** Token ids that guidance moves away from, instead of {@link #negativePrompt}. */
    public Builder negativePromptIds(int... ids) {
      negativePromptIds = list(ids);
      return given("negativePromptIds");
    }

    /** Above 1 selects beam search. */
    public Builder numBeams(int beams) {
      numBeams = beams;
      return given("numBeams");
    }

    /** Above 0 favours long sequences in beam search, below 0 short ones. */
    public Builder lengthPenalty(double penalty) {
      lengthPenalty = (float) penalty;
      return given("lengthPenalty");
    }

    /** When beam search ends. */
    public Builder earlyStopping(EarlyStopping value) {
      earlyStopping = value;
      return given("earlyStopping");
    }

    /** Whether beam search ends as soon as there are {@code numBeams} finished sequences. */
    public Builder earlyStopping(boolean value) {
      return earlyStopping(value ? EarlyStopping.TRUE : EarlyStopping.FALSE);
    }

    /** Number of tokens that are proposed from earlier in the sequence; 0 turns it off. */
    public Builder promptLookupNumTokens(int tokens) {
      promptLookupNumTokens = tokens;
      return this;
    }

    /** Most tokens that must match for a proposal of prompt lookup; at least 1. */
    public Builder maxMatchingNgramSize(int size) {
      maxMatchingNgramSize = size;
      return given("maxMatchingNgramSize");
    }

    /** Number of continuations of each prompt. */
    public Builder numReturnSequences(int number) {
      numReturnSequences = number;
      return this;
    }

    /** A sequence ends with the token that completes one of these. */
    public Builder stopStrings(String... strings) {
      stopStrings = Arrays.asList(strings.clone());
      return this;
    }

    /** Whether the stop string is left out of the text. */
    public Builder trimStopStrings(boolean value) {
      trimStopStrings = value;
      return this;
    }

    /** A sequence ends with one of these instead of the model's; no id: it does not end early. */
    public Builder eosTokenIds(int... ids) {
      eosTokenIds = list(ids);
      return this;
    }

    /** Whether texts begin with their prompt. */
    public Builder returnFullText(boolean value) {
      returnFullText = value;
      return this;
    }

    /** Whether an empty prompt starts from the beginning-of-sequence token. */
    public Builder allowEmptyPrompt(boolean value) {
      allowEmptyPrompt = value;
      return this;
    }

    /** Whether to compute log-probabilities of the chosen tokens. */
    public Builder logProbs(boolean value) {
      logProbs = value;
      return this;
    }

    /**
     * Uses an adapter of the model, by the name that it was added with ({@code
     * Gpt2Model.addAdapter}); null for none.
     */
    public Builder adapter(@Nullable String name) {
      adapter = name;
      return this;
    }

    /** The same seed gives the same text. */
    public Builder seed(long value) {
      seed = value;
      return this;
    }

    /** Adds a processor of your own after Hugging Face's and after those added before. */
    public Builder logitsProcessor(LogitsProcessor processor) {
      logitsProcessors.add(processor);
      return this;
    }

    private Builder given(String name) {
      given.add(name);
      return this;
    }

    private static List<Integer> list(int[] ids) {
      return Arrays.stream(ids).boxed().toList();
    }

    /**
     * The configuration for a stream: one beam, unless beams were set on this builder. Logs a
     * warning if the model has more.
     *
     * @throws InvalidArgumentException as {@link #build}
     */
    public GenerationConfig buildForStream() {
      if (numBeams == 1 || given.contains("numBeams")) {
        return build();
      }
      Warnings.once(
          "The model's num_beams is %d; a stream uses 1, because beam search decides on its"
                  .formatted(numBeams)
              + " tokens only at the end");
      return build(1);
    }

    /**
     * The configuration. Logs a warning, once, for an option that has no effect because of another.
     * Does not change this builder.
     *
     * @throws InvalidArgumentException naming a value and what was expected
     */
    public GenerationConfig build() {
      checkModelBeams();
      return build(numBeams);
    }

    private GenerationConfig build(int numBeams) {
      var config =
          new GenerationConfig(
              maxLength,
              maxNewTokens,
              minLengthToUse(),
              minNewTokensToUse(),
              maxTime,
              doSample,
              temperature,
              topK,
              topP,
              minP,
              topH,
              typicalP,
              epsilonCutoff,
              etaCutoff,
              repetitionPenalty,
              encoderRepetitionPenalty,
              noRepeatNgramSize,
              encoderNoRepeatNgramSize,
              sequenceBias,
              badWordsIds,
              badWords,
              suppressTokens,
              beginSuppressTokens,
              forcedBosTokenId,
              forcedEosTokenIds,
              exponentialDecayLengthPenalty,
              removeInvalidValues,
              renormalizeLogits,
              guidanceScale,
              negativePrompt,
              negativePromptIds,
              numBeams,
              lengthPenalty,
              earlyStopping,
              promptLookupNumTokens,
              maxMatchingNgramSize,
              numReturnSequences,
              stopStrings,
              trimStopStrings,
              eosTokenIds,
              returnFullText,
              allowEmptyPrompt,
              logProbs,
              seed,
              adapter,
              logitsProcessors);
      warnAboutUnused(config);
      return config;
    }

    /** The minimum length, lowered to a smaller maximum if it is the model's. */
    private int minLengthToUse() {
      if (maxNewTokens == null
          && maxLength != null
          && minLength > maxLength
          && !given.contains("minLength")) {
        warnOfModel("min_length", minLength, "maxLength", maxLength);
        return maxLength;
      }
      return minLength;
    }

    /** The minimum of new tokens, lowered to a smaller maximum if it is the model's. */
    private @Nullable Integer minNewTokensToUse() {
      if (minNewTokens != null
          && maxNewTokens != null
          && minNewTokens > maxNewTokens
          && !given.contains("minNewTokens")) {
        warnOfModel("min_new_tokens", minNewTokens, "maxNewTokens", maxNewTokens);
        return maxNewTokens;
      }
      return minNewTokens;
    }

    /** The general check would not tell where the number of beams comes from. */
    private void checkModelBeams() {
      if (numBeams > 1 && numReturnSequences > numBeams && !given.contains("numBeams")) {
        throw new InvalidArgumentException(
            "numReturnSequences",
            numReturnSequences,
            "at most the model's num_beams, which is " + numBeams,
            "Set {numBeams} to " + numReturnSequences + ", or to 1 to sample without beams.");
      }
    }

    private static void warnOfModel(String option, int value, String maximum, int limit) {
      Warnings.once(
          "The model's %s is %d, but %s is %d; %d is used"
              .formatted(option, value, maximum, limit, limit));
    }

    private void warnAboutUnused(GenerationConfig c) {
      if (!c.doSample) {
        String why = "doSample is off. Turn it on to sample.";
        unused("temperature", c.temperature, 1f, why);
        unused("topK", c.topK, 50, why);
        unused("topP", c.topP, 1f, why);
        unused("minP", c.minP, null, why);
        unused("topH", c.topH, null, why);
        unused("typicalP", c.typicalP, 1f, why);
        unused("epsilonCutoff", c.epsilonCutoff, 0f, why);
        unused("etaCutoff", c.etaCutoff, 0f, why);
      }
      if (c.numBeams == 1) {
        String why = "numBeams is 1. It is an option of beam search.";
        unused("lengthPenalty", c.lengthPenalty, 1f, why);
        unused("earlyStopping", c.earlyStopping, EarlyStopping.FALSE, why);
      }
      if (c.promptLookupNumTokens == 0) {
        String why = "promptLookupNumTokens is 0.";
        unused("maxMatchingNgramSize", c.maxMatchingNgramSize, DEFAULT_MATCHING_NGRAM_SIZE, why);
      }
      if (c.guidanceScale == 1) {
        String why = "guidanceScale is 1, which turns guidance off.";
        unused("negativePrompt", c.negativePrompt, null, why);
        unused("negativePromptIds", c.negativePromptIds, List.of(), why);
      }
      if (c.maxNewTokens != null) {
        unused("maxLength", c.maxLength, null, precedence("maxNewTokens", c.maxNewTokens));
      }
      if (c.minNewTokens != null) {
        unused("minLength", c.minLength, 0, precedence("minNewTokens", c.minNewTokens));
      }
    }

    private String precedence(String name, int value) {
      return "%s%s, which is %d, takes precedence over it."
          .formatted(given.contains(name) ? "" : "the model's ", name, value);
    }

    private void unused(String name, @Nullable Object value, @Nullable Object off, String why) {
      if (given.contains(name) && value != null && !value.equals(off)) {
        Warnings.once("%s is %s and has no effect: %s".formatted(name, value, why));
      }
    }
  }
}
