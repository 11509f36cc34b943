package io.github.ggml4j.cli;

import io.github.ggml4j.error.InvalidArgumentException;
import io.github.ggml4j.generation.EarlyStopping;
import io.github.ggml4j.generation.ExponentialDecayLengthPenalty;
import io.github.ggml4j.generation.GenerationConfig;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/**
 * The generation options that do not depend on the prompt. An interactive session can change them.
 */
@Command
final class GenerationOptions {
  private static final int[] NO_TOKEN = {-1};

  @Option(
      names = "--max-new-tokens",
      paramLabel = "N",
      description =
          "Maximum number of tokens after the prompt; takes precedence over --max-length. Default:"
              + " the model's, else 20.")
  private @Nullable Integer maxNewTokens;

  @Option(
      names = "--min-new-tokens",
      paramLabel = "N",
      description = "Minimum number of tokens after the prompt.")
  private @Nullable Integer minNewTokens;

  @Option(
      names = "--max-time",
      paramLabel = "SECONDS",
      description = "Time limit; generation stops after the first token beyond it.")
  private @Nullable Double maxTime;

  @Option(
      names = "--seed",
      paramLabel = "N",
      description = "The same seed gives the same text. Default: a different one each time.")
  private @Nullable Long seed;

  @Option(
      names = "--greedy",
      description = "Always take the most likely token instead of sampling.")
  private boolean greedy;

  @Option(
      names = "--temperature",
      paramLabel = "T",
      description =
          "Above 1 flattens the distribution, below 1 sharpens it. Default: the model's, else 1.")
  private @Nullable Double temperature;

  @Option(
      names = "--top-k",
      paramLabel = "K",
      description = "Sample from the K most likely tokens; 0: all. Default: the model's, else 50.")
  private @Nullable Integer topK;

  @Option(
      names = "--top-p",
      paramLabel = "P",
      description = "Sample from the most likely tokens whose probabilities add up to P; 1: all.")
  private @Nullable Double topP;

  @Option(
      names = "--min-p",
      paramLabel = "P",
      description = "Sample from tokens at least P times as likely as the most likely one.")
  private @Nullable Double minP;

  @Option(
      names = "--typical-p",
      paramLabel = "P",
      description = "Sample from the most typical tokens whose probabilities add up to P; 1: all.")
  private @Nullable Double typicalP;

  @Option(
      names = "--top-h",
      paramLabel = "H",
      description =
          "Sample from the most likely tokens that contribute the fraction H of the entropy.")
  private @Nullable Double topH;

  @Option(
      names = "--epsilon-cutoff",
      paramLabel = "P",
      description = "Sample from tokens with a probability of at least P; 0: off.")
  private @Nullable Double epsilonCutoff;

  @Option(
      names = "--eta-cutoff",
      paramLabel = "P",
      description =
          "Like --epsilon-cutoff, but with a lower bound when many tokens are likely; 0: off.")
  private @Nullable Double etaCutoff;

  @Option(
      names = "--repetition-penalty",
      paramLabel = "X",
      description = "Above 1 makes tokens that occurred before less likely; 1: off.")
  private @Nullable Double repetitionPenalty;

  @Option(
      names = "--encoder-repetition-penalty",
      paramLabel = "X",
      description = "Above 1 makes tokens of the prompt more likely; 1: off.")
  private @Nullable Double encoderRepetitionPenalty;

  @Option(
      names = "--no-repeat-ngram-size",
      paramLabel = "N",
      description = "No sequence of N tokens occurs twice; 0: off.")
  private @Nullable Integer noRepeatNgramSize;

  @Option(
      names = "--encoder-no-repeat-ngram-size",
      paramLabel = "N",
      description = "No sequence of N tokens of the prompt is generated; 0: off.")
  private @Nullable Integer encoderNoRepeatNgramSize;

  @Option(
      names = "--sequence-bias",
      paramLabel = "ID,ID=BIAS",
      converter = SequenceBias.class,
      description =
          "Add BIAS to the logit of the token that completes these tokens; may be given several"
              + " times.")
  private List<SequenceBias> sequenceBias = List.of();

  @Option(
      names = "--suppress-tokens",
      split = ",",
      paramLabel = "ID",
      description = "Tokens that are never generated.")
  private int @Nullable [] suppressTokens;

  @Option(
      names = "--begin-suppress-tokens",
      split = ",",
      paramLabel = "ID",
      description = "Tokens that are never generated as the first token.")
  private int @Nullable [] beginSuppressTokens;

  @Option(
      names = "--exponential-decay-length-penalty",
      paramLabel = "START,FACTOR",
      converter = DecayConverter.class,
      description =
          "After START new tokens, make the end of text more likely with each token, exponentially"
              + " by FACTOR.")
  private @Nullable ExponentialDecayLengthPenalty exponentialDecayLengthPenalty;

  @Option(
      names = "--guidance-scale",
      paramLabel = "X",
      description =
          "Classifier-free guidance: above 1 follows the prompt more closely, at twice the"
              + " computation; 1: off.")
  private @Nullable Double guidanceScale;

  @Option(
      names = "--negative-prompt",
      paramLabel = "TEXT",
      description = "The negative prompt of --guidance-scale. Default: the prompt's last token.")
  private @Nullable String negativePrompt;

  @Option(
      names = "--negative-prompt-ids",
      split = ",",
      paramLabel = "ID",
      description = "As --negative-prompt, as token ids.")
  private int @Nullable [] negativePromptIds;

  @Option(
      names = "--remove-invalid-values",
      description = "Replace NaN and infinite logits with finite values.")
  private boolean removeInvalidValues;

  @Option(
      names = "--renormalize-logits",
      description = "Normalize the logits to log-probabilities after all other processing.")
  private boolean renormalizeLogits;

  @Option(
      names = "--prompt-lookup-num-tokens",
      paramLabel = "N",
      description =
          "Assisted generation: propose N tokens from earlier text and verify them in one step."
              + " Generates the same text, faster if it is repetitive. 0: off.")
  private @Nullable Integer promptLookupNumTokens;

  @Option(
      names = "--max-matching-ngram-size",
      paramLabel = "N",
      description = "Maximum n-gram size for the search of --prompt-lookup-num-tokens. Default: 2.")
  private @Nullable Integer maxMatchingNgramSize;

  @Option(
      names = {"--bad-words", "--bad-word"},
      paramLabel = "TEXT",
      description = "A text that is never generated; may be given several times.")
  private List<String> badWords = List.of();

  @Option(
      names = "--bad-words-ids",
      paramLabel = "ID,ID",
      converter = TokenIds.class,
      description = "A sequence of tokens that is never generated; may be given several times.")
  private List<TokenIds> badWordsIds = List.of();

  @Option(
      names = "--num-beams",
      paramLabel = "N",
      description = "Above 1: beam search, without sampling unless --do-sample is given.")
  private @Nullable Integer numBeams;

  @Option(names = "--do-sample", description = "With --num-beams: sample the tokens of the beams.")
  private boolean doSample;

  @Option(
      names = "--length-penalty",
      paramLabel = "X",
      description =
          "Beam search: above 0 prefers long texts, below 0 short texts. Default: the model's, else"
              + " 1.")
  private @Nullable Double lengthPenalty;

  @Option(
      names = "--early-stopping",
      arity = "0..1",
      fallbackValue = "true",
      paramLabel = "WHEN",
      description =
          "When beam search stops. true: when there are as many finished texts as beams; false:"
              + " when better texts are unlikely; never: when better texts are impossible."
              + " Default: the model's, else false.")
  private @Nullable EarlyStopping earlyStopping;

  @Option(
      names = {"--stop", "--stop-strings"},
      paramLabel = "TEXT",
      description = "Stop when this text is generated; may be given several times.")
  private List<String> stop = List.of();

  @Option(names = "--trim-stop", description = "Remove the text of --stop from the result.")
  private boolean trimStop;

  @Option(
      names = "--eos-token-id",
      split = ",",
      paramLabel = "ID",
      description = "Tokens that end a text. Default: the model's; -1 for none.")
  @SetsParameter("eosTokenIds")
  private int @Nullable [] eosTokenIds;

  @Option(
      names = "--forced-bos-token-id",
      paramLabel = "ID",
      description = "Force this token after a prompt of one token.")
  private @Nullable Integer forcedBosTokenId;

  @Option(
      names = "--forced-eos-token-id",
      split = ",",
      paramLabel = "ID",
      description = "Force one of these tokens as the last token at the maximum length.")
  @SetsParameter("forcedEosTokenIds")
  private int @Nullable [] forcedEosTokenIds;

  /** Whether tokens are final when they are generated. False for beam search. */
  boolean streams() {
    return numBeams == null || numBeams == 1;
  }

  boolean isDeterministic() {
    return greedy && streams();
  }

  @Nullable Integer maxNewTokens() {
    return maxNewTokens;
  }

  @Nullable Long seed() {
    return seed;
  }

  /** Checks the options as far as possible without the model. */
  void check() {
    var builder = GenerationConfig.builder().doSample(true);
    apply(builder);
    builder.build();
  }

  /**
   * Sets the options that are given, except the seed. Other options keep their values.
   *
   * @throws IllegalArgumentException for options that cannot be combined
   */
  void apply(GenerationConfig.Builder g) {
    if (temperature != null && temperature == 0) {
      throw new InvalidArgumentException(
          "temperature",
          temperature,
          "a finite number above 0",
          "For greedy search, use {greedy}.");
    }
    if (greedy && doSample) {
      throw new InvalidArgumentException("greedy", true, "false with {doSample}");
    }
    if (doSample) {
      g.doSample(true);
    } else if (greedy || (numBeams != null && numBeams > 1)) {
      g.doSample(false);
    }
    set(maxNewTokens, g::maxNewTokens);
    set(minNewTokens, g::minNewTokens);
    set(maxTime, seconds -> g.maxTime(Duration.ofNanos((long) (seconds * 1e9))));
    set(temperature, g::temperature);
    set(topK, g::topK);
    set(topP, g::topP);
    set(minP, g::minP);
    set(typicalP, g::typicalP);
    set(topH, g::topH);
    set(epsilonCutoff, g::epsilonCutoff);
    set(etaCutoff, g::etaCutoff);
    set(repetitionPenalty, g::repetitionPenalty);
    set(encoderRepetitionPenalty, g::encoderRepetitionPenalty);
    set(noRepeatNgramSize, g::noRepeatNgramSize);
    set(encoderNoRepeatNgramSize, g::encoderNoRepeatNgramSize);
    set(suppressTokens, g::suppressTokens);
    set(beginSuppressTokens, g::beginSuppressTokens);
    set(
        exponentialDecayLengthPenalty,
        decay -> g.exponentialDecayLengthPenalty(decay.startIndex(), decay.decayFactor()));
    set(guidanceScale, g::guidanceScale);
    set(negativePrompt, g::negativePrompt);
    set(negativePromptIds, g::negativePromptIds);
    set(promptLookupNumTokens, g::promptLookupNumTokens);
    set(maxMatchingNgramSize, g::maxMatchingNgramSize);
    set(forcedBosTokenId, g::forcedBosTokenId);
    set(numBeams, g::numBeams);
    set(lengthPenalty, g::lengthPenalty);
    set(earlyStopping, g::earlyStopping);
    set(eosTokenIds, ids -> g.eosTokenIds(Arrays.equals(ids, NO_TOKEN) ? new int[0] : ids));
    set(forcedEosTokenIds, g::forcedEosTokenIds);
    if (!badWords.isEmpty()) {
      g.badWords(badWords.toArray(String[]::new));
    }
    if (!badWordsIds.isEmpty()) {
      g.badWordsIds(badWordsIds.stream().map(TokenIds::ids).toList());
    }
    if (!sequenceBias.isEmpty()) {
      g.sequenceBias(
          sequenceBias.stream()
              .collect(Collectors.toMap(SequenceBias::ids, SequenceBias::bias, (_, last) -> last)));
    }
    if (removeInvalidValues) {
      g.removeInvalidValues(true);
    }
    if (renormalizeLogits) {
      g.renormalizeLogits(true);
    }
    if (!stop.isEmpty()) {
      g.stopStrings(stop.toArray(String[]::new));
    }
    g.trimStopStrings(trimStop);
  }

  /** Converts two numbers separated by a comma. */
  static final class DecayConverter implements ITypeConverter<ExponentialDecayLengthPenalty> {
    @Override
    public ExponentialDecayLengthPenalty convert(String text) {
      var parts = text.split(",", -1);
      try {
        if (parts.length == 2) {
          return new ExponentialDecayLengthPenalty(
              Integer.parseInt(parts[0].strip()), Float.parseFloat(parts[1].strip()));
        }
      } catch (IllegalArgumentException e) {
        throw new TypeConversionException(wrong(text));
      }
      throw new TypeConversionException(wrong(text));
    }

    private static String wrong(String text) {
      return "'" + text + "' is not a number of tokens and a factor above 0, such as 15,1.6";
    }
  }

  private static <T> void set(@Nullable T value, Consumer<T> option) {
    if (value != null) {
      option.accept(value);
    }
  }
}
