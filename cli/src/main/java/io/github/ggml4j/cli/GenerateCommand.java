package io.github.ggml4j.cli;

import io.github.ggml4j.TextGenerator;
import io.github.ggml4j.generation.GeneratedToken;
import io.github.ggml4j.generation.GenerationConfig;
import io.github.ggml4j.io.Adapters;
import java.io.Console;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Optional;
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

@Command(
    name = "generate",
    description = "Continues a text.",
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "The options have the names and meanings of Hugging Face's generate(). By default, texts are"
          + " sampled; --greedy and --num-beams turn sampling off. Runs differ unless --seed is"
          + " given. Options that are not given default to the model's generation_config.json.",
      "",
      "With --interactive, or without a prompt on a terminal, you and the model write in turns;"
          + " /help shows the commands. Your input lines are saved in this file:",
      "~/.local/state/ggml4j/history",
      "",
      "Examples:",
      "  ggml4j generate --prompt 'Once upon a time' --num-return-sequences 5 --seed 42",
      "  ggml4j generate --prompt 'The sea' --temperature 0.7 --top-p 0.9 --stream",
      "  ggml4j generate --prompt 'The sea' --num-beams 4 --no-repeat-ngram-size 3",
      "  ggml4j generate --model gpt2.gguf --prompt-file story.txt",
      "  echo 'Once upon a time' | ggml4j generate --prompt - --json",
      "  ggml4j generate --interactive --temperature 0.8"
    })
final class GenerateCommand implements Callable<Integer> {
  /** Bound of random seeds. Keeps them short enough to type. */
  private static final long RANDOM_SEEDS = 1L << 32;

  @Spec private CommandSpec spec;
  @Mixin private ModelOptions model;
  @Mixin private PrecisionOptions precision;

  @Option(
      names = "--prompt",
      paramLabel = "TEXT",
      description =
          "The text to continue; - reads it from standard input, without the last line end.")
  private @Nullable String prompt;

  @Option(
      names = "--prompt-file",
      paramLabel = "FILE",
      description = "A file with the text to continue, in UTF-8, without its last line end.")
  private @Nullable String promptFile;

  @Option(
      names = "--max-length",
      paramLabel = "N",
      description =
          "Maximum length of a text in tokens, prompt included. Default: see --max-new-tokens.")
  private @Nullable Integer maxLength;

  @Option(
      names = "--min-length",
      paramLabel = "N",
      description = "Minimum length of a text in tokens, prompt included.")
  private @Nullable Integer minLength;

  @Option(
      names = "--num-return-sequences",
      defaultValue = "1",
      paramLabel = "N",
      description = "Number of continuations. Default: ${DEFAULT-VALUE}.")
  private int numReturnSequences;

  @Mixin private GenerationOptions generation;

  @Option(
      names = "--adapter",
      paramLabel = "DIR",
      description =
          "A folder with a LoRA adapter for the model, as PEFT writes it: adapter_config.json and"
              + " adapter_model.safetensors.")
  private @Nullable Path adapter;

  @Option(names = "--no-return-full-text", description = "Print only the continuation.")
  private boolean noReturnFullText;

  @Option(
      names = "--interactive",
      description = "Write in turns with the model, even if standard input is not a terminal.")
  private boolean interactive;

  @Option(names = "--stream", description = "Print each piece of text as it is generated.")
  private boolean stream;

  @Option(
      names = "--json",
      description = {
        "Print JSON: one line per text with prompt, text, ids, log_probs, finish_reason and seed;",
        "with --stream, one line per token."
      })
  private boolean json;

  private long seed;

  @Override
  public Integer call() throws IOException {
    precision.apply();
    checkOptions();
    interactive |= prompt == null && promptFile == null;
    var text = prompt == null && promptFile == null ? "" : prompt();
    seed = seed();
    var files = model.open();
    var tokenizer = files.tokenizer();
    try (var loaded = model.load(files);
        var generator = TextGenerator.of(loaded, tokenizer)) {
      if (adapter != null) {
        loaded.addAdapter(adapter.toString(), Adapters.load(adapter, loaded));
      }
      if (interactive) {
        interact(generator, text);
      } else {
        generate(generator, text);
      }
    }
    return ExitCode.OK;
  }

  /** Checks the options as far as possible without the model. */
  private void checkOptions() {
    if (stream && (numReturnSequences > 1 || !generation.streams())) {
      throw wrongUsage("--stream supports only one sequence and no beam search");
    }
    if (generation.isDeterministic() && numReturnSequences > 1) {
      throw wrongUsage(
          "--greedy has only one continuation: omit --greedy or --num-return-sequences");
    }
    if (interactive || (prompt == null && promptFile == null)) {
      checkInteractive();
    }
    if (prompt != null && promptFile != null) {
      throw wrongUsage("--prompt and --prompt-file cannot be combined");
    }
    var builder = GenerationConfig.builder().doSample(true);
    apply(builder);
    if (maxLength != null) {
      builder.maxLength(maxLength);
    }
    builder.build();
  }

  private void checkInteractive() {
    if (!interactive && !isTerminal()) {
      throw wrongUsage("--prompt is missing: give the text to continue, or - for standard input");
    }
    if (json || numReturnSequences > 1 || maxLength != null || minLength != null) {
      throw wrongUsage(
          "--json, --num-return-sequences, --max-length and --min-length need a --prompt and cannot"
              + " be combined with --interactive");
    }
    if (prompt != null && prompt.equals("-")) {
      throw wrongUsage(
          "--prompt - reads all of standard input; it cannot be combined with --interactive");
    }
  }

  private static boolean isTerminal() {
    return Optional.ofNullable(System.console()).map(Console::isTerminal).orElse(false);
  }

  private void interact(TextGenerator generator, String beginning) {
    var settings =
        new GenerationSettings(spec.commandLine().getParseResult(), generator.defaults());
    settings.adapter(adapterName());
    try (var lines =
        isTerminal()
            ? new TerminalLines(Interactive.commands(), settings.names())
            : Lines.of(System.in)) {
      var out = spec.commandLine().getOut();
      new Interactive(generator, settings, lines, out, spec.commandLine().getErr()).run(beginning);
    }
  }

  private ParameterException wrongUsage(String message) {
    return new ParameterException(spec.commandLine(), message);
  }

  private String prompt() throws IOException {
    String text;
    if (promptFile != null) {
      text = withoutLineEnd(TextFile.read(promptFile, "--prompt-file " + promptFile));
    } else {
      var given = String.valueOf(prompt);
      text = given.equals("-") ? withoutLineEnd(TextFile.read(given)) : given;
    }
    if (text.isEmpty()) {
      throw wrongUsage(
          (promptFile == null ? "--prompt" : "--prompt-file " + promptFile)
              + " is empty; give a text to continue, at least one character");
    }
    return text;
  }

  private static String withoutLineEnd(String text) {
    return text.endsWith("\r\n")
        ? text.substring(0, text.length() - 2)
        : text.endsWith("\n") ? text.substring(0, text.length() - 1) : text;
  }

  private long seed() {
    var given = generation.seed();
    return given != null ? given : Math.floorMod(System.nanoTime(), RANDOM_SEEDS);
  }

  private void generate(TextGenerator generator, String text) {
    var out = spec.commandLine().getOut();
    var options = options();
    if (stream) {
      stream(generator, text, options, out);
    } else if (json) {
      for (var sequence : generator.generateDetailed(text, options)) {
        out.println(GenerationJson.of(text, sequence, seed));
      }
    } else {
      var texts = generator.generate(text, options);
      for (int i = 0; i < texts.size(); i++) {
        Texts.print(out, texts.size() > 1 ? i + 1 : 0, texts.get(i));
      }
    }
  }

  private Consumer<GenerationConfig.Builder> options() {
    Consumer<GenerationConfig.Builder> options = this::apply;
    var length = maxLength;
    return length == null ? options : options.andThen(g -> g.maxLength(length));
  }

  private @Nullable String adapterName() {
    return adapter == null ? null : adapter.toString();
  }

  private void apply(GenerationConfig.Builder g) {
    generation.apply(g);
    g.adapter(adapterName());
    if (minLength != null) {
      g.minLength(minLength);
    }
    g.seed(seed)
        .numReturnSequences(numReturnSequences)
        .returnFullText(!noReturnFullText)
        .logProbs(json);
  }

  private void stream(
      TextGenerator generator,
      String text,
      Consumer<GenerationConfig.Builder> options,
      PrintWriter out) {
    if (!json && !noReturnFullText) {
      out.print(text);
      out.flush();
    }
    try (var tokens = generator.streamTokens(text, options)) {
      for (var token : (Iterable<GeneratedToken>) tokens::iterator) {
        if (json) {
          out.println(GenerationJson.of(token));
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
}
