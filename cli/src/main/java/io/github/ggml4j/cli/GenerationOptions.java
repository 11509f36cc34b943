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

/** How to generate, whatever the prompt: what an interactive session may change as it goes on. */
@Command
final class GenerationOptions {
  private static final int[] NO_TOKEN = {-1};

  @Option(
      names = "--max-new-tokens",
      paramLabel = "N",
      description =
          "Most tokens after the prompt; takes precedence over --max-length. Default: the model's,"
              + " else 20.")
  private @Nullable Integer maxNewTokens;

  @Option(
      names = "--min-new-tokens",
      paramLabel = "N",
      description = "No end of text before this many tokens after the prompt.")
  private @Nullable Integer minNewTokens;

  @Option(
      names = "--max-time",
      paramLabel = "SECONDS",
      description = "End with the first token that is computed later than this.")
  private @Nullable Double maxTime;

  @Option(
      names = "--seed",
      paramLabel = "N",
      description = "The same seed gives the same text. Default: a different one each time.")
  private @Nullable Long seed;

  @Option(names = "--greedy", description = "Always take the most likely token; else sample.")
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
      description = "Sample from the most likely tokens that together reach P; 1: all.")
  private @Nullable Double topP;

  @Option(
      names = "--min-p",
      paramLabel = "P",
      description = "Sample from tokens at least P times as likely as the most likely one.")
  private @Nullable Double minP;

  @Option(
      names = "--typical-p",
      paramLabel = "P",
      description = "Sample from the most typical tokens that together reach P; 1: all.")
  private @Nullable Double typicalP;

  @Option(
      names = "--top-h",
      paramLabel = "H",
      description = "Sample from the most likely tokens that hold the share H of the entropy.")
  private @Nullable Double topH;

  @Option(
      names = "--epsilon-cutoff",
      paramLabel = "P",
      description = "Sample from tokens with a probability of at least P; 0: off.")
  private @Nullable Double epsilonCutoff;

  @Option(
      names = "--eta-cutoff",
      paramLabel = "P",
      description = "As --epsilon-cutoff, but lower where many tokens are likely; 0: off.")
  private @Nullable Double etaCutoff;

  @Option(
      names = "--repetition-penalty",
      paramLabel = "X",
      description = "Above 1 discourages tokens that have occurred; 1: off.")
  private @Nullable Double repetitionPenalty;

  @Option(
      names = "--encoder-repetition-penalty",
      paramLabel = "X",
      description = "Above 1 favours tokens of the prompt; 1: off.")
  private @Nullable Double encoderRepetitionPenalty;

  @Option(
      names = "--no-repeat-ngram-size",
      paramLabel = "N",
      description = "No N tokens in a row occur twice; 0: off.")
  private @Nullable Integer noRepeatNgramSize;

  @Option(
      names = "--encoder-no-repeat-ngram-size",
      paramLabel = "N",
      description = "No N tokens in a row of the prompt are generated; 0: off.")
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
      description = "Tokens that are not generated as the first token.")
  private int @Nullable [] beginSuppressTokens;

  @Option(
      names = "--exponential-decay-length-penalty",
      paramLabel = "START,FACTOR",
      converter = DecayConverter.class,
      description =
          "Make the end of the text likelier by FACTOR with each token after START new ones.")
  private @Nullable ExponentialDecayLengthPenalty exponentialDecayLengthPenalty;

  @Option(
      names = "--guidance-scale",
      paramLabel = "X",
      description = "Above 1 follows the prompt more closely, with twice the work; 1: off.")
  private @Nullable Double guidanceScale;

  @Option(
      names = "--negative-prompt",
      paramLabel = "TEXT",
      description =
          "A text that --guidance-scale moves away from. Default: the prompt's last token.")
  private @Nullable String negativePrompt;

  @Option(
      names = "--negative-prompt-ids",
      split = ",",
      paramLabel = "ID",
      description = "As --negative-prompt, as token ids.")
  private int @Nullable [] negativePromptIds;

  @Option(
      names = "--remove-invalid-values",
      description = "Replace NaN and infinite logits by finite ones.")
  private boolean removeInvalidValues;

  @Option(
      names = "--renormalize-logits",
      description = "Make logits log-probabilities after all other steps.")
  private boolean renormalizeLogits;

  @Option(
      names = "--prompt-lookup-num-tokens",
      paramLabel = "N",
      description =
          "Propose N tokens from earlier in the text and check them in one step: the same text,"
              + " faster where it repeats; 0: off.")
  private @Nullable Integer promptLookupNumTokens;

  @Option(
      names = "--max-matching-ngram-size",
      paramLabel = "N",
      description = "Most tokens that must match for --prompt-lookup-num-tokens. Default: 2.")
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
      description = "Tokens that never occur in a row; may be given several times.")
  private List<TokenIds> badWordsIds = List.of();

  @Option(
      names = "--num-beams",
      paramLabel = "N",
      description = "Above 1: beam search, without sampling unless --do-sample is given.")
  private @Nullable Integer numBeams;

  @Option(names = "--do-sample", description = "With --num-beams: sample the beams' tokens.")
  private boolean doSample;

  @Option(
      names = "--length-penalty",
      paramLabel = "X",
      description =
          "Beam search: above 0 favours long texts, below 0 short ones. Default: the model's, else"
              + " 1.")
  private @Nullable Double lengthPenalty;

  @Option(
      names = "--early-stopping",
      arity = "0..1",
      fallbackValue = "true",
      paramLabel = "WHEN",
      description =
          "Beam search: true ends it with as many texts as beams, false when better ones are"
              + " unlikely, never when there can be none. Default: the model's, else false.")
  private @Nullable EarlyStopping earlyStopping;

  @Option(
      names = {"--stop", "--stop-strings"},
      paramLabel = "TEXT",
      description = "End with this text; may be given several times.")
  private List<String> stop = List.of();

  @Option(names = "--trim-stop", description = "Leave the text of --stop out.")
  private boolean trimStop;

  @Option(
      names = "--eos-token-id",
      split = ",",
      paramLabel = "ID",
      description = "Tokens that end a text. Default: the model's; -1 for none.")
  @Sets("eosTokenIds")
  private int @Nullable [] eosTokenIds;

  @Option(
      names = "--forced-bos-token-id",
      paramLabel = "ID",
      description = "The first token after a prompt of one token.")
  private @Nullable Integer forcedBosTokenId;

  @Option(
      names = "--forced-eos-token-id",
      split = ",",
      paramLabel = "ID",
      description = "The last token at the maximum length.")
  @Sets("forcedEosTokenIds")
  private int @Nullable [] forcedEosTokenIds;

  /** Whether tokens come one after the other and can be shown at once. */
  boolean streams() {
    return numBeams == null || numBeams == 1;
  }

  boolean knowsOneContinuation() {
    return greedy && streams();
  }

  @Nullable Integer maxNewTokens() {
    return maxNewTokens;
  }

  @Nullable Long seed() {
    return seed;
  }

  /** Checks what does not depend on the model. */
  void check() {
    var builder = GenerationConfig.builder().doSample(true);
    apply(builder);
    builder.build();
  }

  /**
   * Sets what is asked for, the seed excepted; the rest stays as it is.
   *
   * @throws IllegalArgumentException for options that exclude each other
   */
  void apply(GenerationConfig.Builder g) {
    if (temperature != null && temperature == 0) {
      throw new InvalidArgumentException(
          "temperature", temperature, "a finite number above 0", "For greedy search use {greedy}.");
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

  /** Two numbers with a comma between them. */
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
