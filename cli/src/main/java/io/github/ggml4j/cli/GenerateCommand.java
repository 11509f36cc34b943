package io.github.ggml4j.cli;

import io.github.ggml4j.TextGenerator;
import io.github.ggml4j.generation.GeneratedSequence;
import io.github.ggml4j.generation.GeneratedToken;
import io.github.ggml4j.generation.GenerationConfig;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

@Command(
    name = "generate",
    description = "Continues a text.",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    footer = {
      "",
      "Names, meanings and order of these options are those of Hugging Face's generate().",
      "",
      "Examples:",
      "  ggml4j generate --prompt 'Once upon a time' --num-return-sequences 5 --seed 42",
      "  ggml4j generate --model gpt2.gguf --prompt - --stream < story.txt"
    })
final class GenerateCommand implements Callable<Integer> {
  /** The length when none is asked for, in tokens, prompt included. */
  private static final int USUAL_LENGTH = 100;

  /** What then follows a prompt that is as long as that already. */
  private static final int USUAL_NEW_TOKENS = 20;

  @Spec private CommandSpec spec;
  @Mixin private ModelOptions model;

  @Option(
      names = "--prompt",
      required = true,
      paramLabel = "TEXT",
      description = "The text to continue; - reads standard input, without its last line end.")
  private String prompt;

  @Option(
      names = "--max-length",
      paramLabel = "N",
      description = "Longest text in tokens, prompt included. Default: 100.")
  private @Nullable Integer maxLength;

  @Option(
      names = "--max-new-tokens",
      paramLabel = "N",
      description = "Most tokens after the prompt; overrides --max-length.")
  private @Nullable Integer maxNewTokens;

  @Option(
      names = "--min-length",
      defaultValue = "0",
      paramLabel = "N",
      description = "No end of text before this many tokens, prompt included.")
  private int minLength;

  @Option(
      names = "--num-return-sequences",
      defaultValue = "1",
      paramLabel = "N",
      description = "How many continuations. Default: ${DEFAULT-VALUE}.")
  private int numReturnSequences;

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
      names = "--bad-word",
      paramLabel = "TEXT",
      description = "A text that must not occur; may be given several times.")
  private List<String> badWords = List.of();

  @Option(
      names = "--num-beams",
      defaultValue = "1",
      paramLabel = "N",
      description = "Over 1: beam search, without sampling.")
  private int numBeams;

  @Option(
      names = "--stop",
      paramLabel = "TEXT",
      description = "End with this text; may be given several times.")
  private List<String> stop = List.of();

  @Option(names = "--stream", description = "Print each piece of text as it is generated.")
  private boolean stream;

  @Option(
      names = "--json",
      description = {
        "Print JSON: the prompt and its sequences with text, ids, log-probabilities and why each"
            + " ended;",
        "with --stream an object for each token."
      })
  private boolean json;

  @Override
  public Integer call() throws IOException {
    if (stream && (numReturnSequences > 1 || numBeams > 1)) {
      throw new ParameterException(
          spec.commandLine(), "--stream shows one sequence, without beams, as it is generated");
    }
    if (greedy && numReturnSequences > 1 && numBeams == 1) {
      throw new ParameterException(
          spec.commandLine(),
          "--greedy knows one continuation only: leave it out, or --num-return-sequences");
    }
    checkOptions();
    var text = prompt.equals("-") ? standardInput() : prompt;
    if (text.isEmpty()) {
      throw new IllegalArgumentException(
          "--prompt is empty; give a text to continue, at least one character");
    }
    var files = model.open();
    var tokenizer = files.tokenizer();
    try (var loaded = model.load(files);
        var generator = TextGenerator.of(loaded, tokenizer)) {
      generate(generator, text);
    }
    return ExitCode.OK;
  }

  /** What is wrong with them by themselves shows before a model is loaded. */
  private void checkOptions() {
    var builder = GenerationConfig.builder();
    common(builder);
    if (maxLength != null) {
      builder.maxLength(maxLength);
    }
    builder.build();
  }

  private static String standardInput() throws IOException {
    var text = new String(System.in.readAllBytes(), StandardCharsets.UTF_8);
    return text.endsWith("\r\n")
        ? text.substring(0, text.length() - 2)
        : text.endsWith("\n") ? text.substring(0, text.length() - 1) : text;
  }

  private void generate(TextGenerator generator, String text) {
    var out = spec.commandLine().getOut();
    var options = options(generator, text);
    if (stream) {
      stream(generator, text, options, out);
    } else if (json) {
      var sequences = generator.generateDetailed(text, options.andThen(g -> g.logProbs(true)));
      out.println(json(text, sequences));
    } else {
      var texts = generator.generate(text, options);
      for (int i = 0; i < texts.size(); i++) {
        Texts.print(out, texts.size() > 1 ? i + 1 : 0, texts.get(i));
      }
    }
  }

  private Consumer<GenerationConfig.Builder> options(TextGenerator generator, String text) {
    Consumer<GenerationConfig.Builder> options = this::common;
    if (maxLength != null) {
      int length = maxLength;
      return options.andThen(g -> g.maxLength(length));
    }
    if (maxNewTokens != null) {
      return options;
    }
    int promptLength = generator.tokenizer().encode(text).length;
    int usual = Math.max(USUAL_LENGTH, promptLength + USUAL_NEW_TOKENS);
    int length = Math.min(usual, generator.model().config().nPositions());
    return options.andThen(g -> g.maxLength(length));
  }

  private void common(GenerationConfig.Builder g) {
    if (maxNewTokens != null) {
      g.maxNewTokens(maxNewTokens);
    }
    if (minP != null) {
      g.minP(minP);
    }
    g.seed(seed != null ? seed : System.nanoTime())
        .minLength(minLength)
        .numReturnSequences(numReturnSequences)
        .doSample(!greedy && numBeams == 1)
        .temperature(temperature)
        .topK(topK)
        .topP(topP)
        .typicalP(typicalP)
        .repetitionPenalty(repetitionPenalty)
        .noRepeatNgramSize(noRepeatNgramSize)
        .badWords(badWords.toArray(String[]::new))
        .numBeams(numBeams)
        .stopStrings(stop.toArray(String[]::new));
  }

  private void stream(
      TextGenerator generator,
      String text,
      Consumer<GenerationConfig.Builder> options,
      PrintWriter out) {
    if (!json) {
      out.print(text);
      out.flush();
    }
    try (var tokens = generator.streamTokens(text, options)) {
      for (var token : (Iterable<GeneratedToken>) tokens::iterator) {
        if (json) {
          out.println(json(token));
        } else {
          out.print(token.text());
          out.flush();
        }
      }
    }
    if (!json) {
      out.println();
    }
  }

  private static String json(String prompt, List<GeneratedSequence> sequences) {
    var root = JsonMapper.shared().createObjectNode();
    root.put("prompt", prompt);
    var array = root.putArray("sequences");
    for (var sequence : sequences) {
      var node = array.addObject();
      node.put("text", sequence.text());
      var ids = node.putArray("ids");
      for (int id : sequence.ids()) {
        ids.add(id);
      }
      var logProbs = node.putArray("log_probs");
      for (float logProb : sequence.logProbs()) {
        logProbs.add(logProb);
      }
      node.put("finish_reason", name(sequence.finishReason()));
    }
    return root.toString();
  }

  private static String json(GeneratedToken token) {
    ObjectNode node = JsonMapper.shared().createObjectNode();
    node.put("id", token.id());
    node.put("text", token.text());
    if (token.finishReason() != null) {
      node.put("finish_reason", name(token.finishReason()));
    }
    return node.toString();
  }

  private static String name(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT);
  }
}
