package io.github.ggml4j.cli;

import io.github.ggml4j.generation.EarlyStopping;
import io.github.ggml4j.generation.GenerationConfig;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** How to generate, whatever the prompt: what an interactive session may change as it goes on. */
@Command
final class GenerationOptions {
  @Option(
      names = "--max-new-tokens",
      paramLabel = "N",
      description = "Most tokens after the prompt; overrides --max-length.")
  private @Nullable Integer maxNewTokens;

  @Option(
      names = "--min-new-tokens",
      paramLabel = "N",
      description = "No end of text before this many tokens after the prompt.")
  private @Nullable Integer minNewTokens;

  @Option(
      names = "--seed",
      paramLabel = "N",
      description = "The same seed gives the same text. Default: a different one each time.")
  private @Nullable Long seed;

  @Option(names = "--greedy", description = "Always take the most likely token; else sample.")
  private boolean greedy;

  @Option(
      names = "--temperature",
      defaultValue = "1",
      paramLabel = "T",
      description = "Over 1 bolder, under 1 more careful. Default: ${DEFAULT-VALUE}.")
  private double temperature;

  @Option(
      names = "--top-k",
      defaultValue = "50",
      paramLabel = "K",
      description = "Sample from the K most likely tokens; 0: all. Default: ${DEFAULT-VALUE}.")
  private int topK;

  @Option(
      names = "--top-p",
      defaultValue = "1",
      paramLabel = "P",
      description = "Sample from the most likely tokens that together reach P; 1: all.")
  private double topP;

  @Option(
      names = "--min-p",
      paramLabel = "P",
      description = "Sample from tokens at least P times as likely as the most likely one.")
  private @Nullable Double minP;

  @Option(
      names = "--typical-p",
      defaultValue = "1",
      paramLabel = "P",
      description = "Sample from tokens of typical surprise that together reach P; 1: all.")
  private double typicalP;

  @Option(
      names = "--repetition-penalty",
      defaultValue = "1",
      paramLabel = "X",
      description = "Over 1 discourages tokens that occurred before; 1: off.")
  private double repetitionPenalty;

  @Option(
      names = "--no-repeat-ngram-size",
      defaultValue = "0",
      paramLabel = "N",
      description = "No run of N tokens occurs twice; 0: off.")
  private int noRepeatNgramSize;

  @Option(
      names = {"--bad-words", "--bad-word"},
      paramLabel = "TEXT",
      description = "A text that must not occur; may be given several times.")
  private List<String> badWords = List.of();

  @Option(
      names = "--bad-words-ids",
      paramLabel = "ID,ID",
      converter = TokenIds.class,
      description = "Tokens that must not occur one behind the other; may be given several times.")
  private List<TokenIds> badWordsIds = List.of();

  @Option(
      names = "--num-beams",
      defaultValue = "1",
      paramLabel = "N",
      description = "Over 1: beam search, without sampling unless --do-sample is given.")
  private int numBeams;

  @Option(names = "--do-sample", description = "With --num-beams: sample the beams' tokens.")
  private boolean doSample;

  @Option(
      names = "--length-penalty",
      defaultValue = "1",
      paramLabel = "X",
      description = "Beam search: over 0 favours long texts, under 0 short ones. Default: 1.")
  private double lengthPenalty;

  @Option(
      names = "--early-stopping",
      arity = "0..1",
      defaultValue = "false",
      fallbackValue = "true",
      paramLabel = "WHEN",
      description =
          "Beam search: true ends it with as many texts as beams, false when better ones are"
              + " unlikely, never when there can be none. Default: ${DEFAULT-VALUE}.")
  private EarlyStopping earlyStopping;

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
  private int @Nullable [] eosTokenIds;

  @Option(
      names = "--forced-eos-token-id",
      split = ",",
      paramLabel = "ID",
      description = "The last token at the greatest length.")
  private int[] forcedEosTokenIds = {};

  /** Whether tokens come one after the other and can be shown at once. */
  boolean streams() {
    return numBeams == 1;
  }

  boolean knowsOneContinuation() {
    return greedy && numBeams == 1;
  }

  boolean hasMaxNewTokens() {
    return maxNewTokens != null;
  }

  @Nullable Integer maxNewTokens() {
    return maxNewTokens;
  }

  @Nullable Long seed() {
    return seed;
  }

  /** What is wrong with them whatever the model. */
  void check() {
    var builder = GenerationConfig.builder();
    apply(builder);
    builder.build();
  }

  /**
   * Sets what is asked for, the seed excepted.
   *
   * @throws IllegalArgumentException for options that exclude each other
   */
  void apply(GenerationConfig.Builder g) {
    if (greedy && doSample) {
      throw new IllegalArgumentException("--greedy and --do-sample exclude each other");
    }
    if (maxNewTokens != null) {
      g.maxNewTokens(maxNewTokens);
    }
    if (minNewTokens != null) {
      g.minNewTokens(minNewTokens);
    }
    if (minP != null) {
      g.minP(minP);
    }
    if (eosTokenIds != null) {
      g.eosTokenIds(Arrays.equals(eosTokenIds, new int[] {-1}) ? new int[0] : eosTokenIds);
    }
    g.doSample(doSample || (!greedy && numBeams == 1))
        .temperature(temperature)
        .topK(topK)
        .topP(topP)
        .typicalP(typicalP)
        .repetitionPenalty(repetitionPenalty)
        .noRepeatNgramSize(noRepeatNgramSize)
        .badWords(badWords.toArray(String[]::new))
        .badWordsIds(badWordsIds.stream().map(TokenIds::ids).toList())
        .numBeams(numBeams)
        .lengthPenalty(lengthPenalty)
        .earlyStopping(earlyStopping)
        .stopStrings(stop.toArray(String[]::new))
        .trimStopStrings(trimStop)
        .forcedEosTokenIds(forcedEosTokenIds);
  }
}
