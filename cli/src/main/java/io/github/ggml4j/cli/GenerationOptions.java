package io.github.ggml4j.cli;

import io.github.ggml4j.generation.EarlyStopping;
import io.github.ggml4j.generation.GenerationConfig;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** How to generate, whatever the prompt: what an interactive session may change as it goes on. */
@Command
final class GenerationOptions {
  private static final int[] NO_TOKEN = {-1};

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
      paramLabel = "T",
      description = "Over 1 bolder, under 1 more careful. Default: the model's, else 1.")
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
      description = "Sample from tokens of typical surprise that together reach P; 1: all.")
  private @Nullable Double typicalP;

  @Option(
      names = "--repetition-penalty",
      paramLabel = "X",
      description = "Over 1 discourages tokens that occurred before; 1: off.")
  private @Nullable Double repetitionPenalty;

  @Option(
      names = "--no-repeat-ngram-size",
      paramLabel = "N",
      description = "No run of N tokens occurs twice; 0: off.")
  private @Nullable Integer noRepeatNgramSize;

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
      paramLabel = "N",
      description = "Over 1: beam search, without sampling unless --do-sample is given.")
  private @Nullable Integer numBeams;

  @Option(names = "--do-sample", description = "With --num-beams: sample the beams' tokens.")
  private boolean doSample;

  @Option(
      names = "--length-penalty",
      paramLabel = "X",
      description =
          "Beam search: over 0 favours long texts, under 0 short ones. Default: the model's, else"
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
  private int @Nullable [] eosTokenIds;

  @Option(
      names = "--forced-eos-token-id",
      split = ",",
      paramLabel = "ID",
      description = "The last token at the greatest length.")
  private int @Nullable [] forcedEosTokenIds;

  /** Whether tokens come one after the other and can be shown at once. */
  boolean streams() {
    return numBeams == null || numBeams == 1;
  }

  boolean knowsOneContinuation() {
    return greedy && streams();
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
    if (greedy && doSample) {
      throw new IllegalArgumentException("--greedy and --do-sample exclude each other");
    }
    if (doSample) {
      g.doSample(true);
    } else if (greedy || (numBeams != null && numBeams > 1)) {
      g.doSample(false);
    }
    set(maxNewTokens, g::maxNewTokens);
    set(minNewTokens, g::minNewTokens);
    set(temperature, g::temperature);
    set(topK, g::topK);
    set(topP, g::topP);
    set(minP, g::minP);
    set(typicalP, g::typicalP);
    set(repetitionPenalty, g::repetitionPenalty);
    set(noRepeatNgramSize, g::noRepeatNgramSize);
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
    if (!stop.isEmpty()) {
      g.stopStrings(stop.toArray(String[]::new));
    }
    g.trimStopStrings(trimStop);
  }

  private static <T> void set(@Nullable T value, Consumer<T> option) {
    if (value != null) {
      option.accept(value);
    }
  }
}
