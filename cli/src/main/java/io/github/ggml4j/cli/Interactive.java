package io.github.ggml4j.cli;

import io.github.ggml4j.TextGenerator;
import io.github.ggml4j.generation.GeneratedToken;
import io.github.ggml4j.generation.GenerationConfig;
import io.github.ggml4j.internal.Check;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CancellationException;
import java.util.function.Consumer;
import picocli.CommandLine.Model.CommandSpec;

/**
 * A text that the user and the model write in turns. Each line that is typed is appended to the
 * text, and the model continues it.
 */
final class Interactive {
  private static final String HELP =
      """
      Type a line: it is appended to the text, and the model continues the text. An empty line
      continues without adding anything.
      /set NAME VALUE   changes a setting, as in: /set temperature 0.8
      /unset NAME       restores a setting's default
      /show             shows all settings; they are the options of ggml4j generate
      /retry            replaces the last continuation with another one
      /undo             removes the last line and its continuation
      /text             shows the whole text
      /save FILE        writes the text to a file
      /reset            starts a new text
      /quit             quits, as does Ctrl-D; Ctrl-C stops the model
      To enter text that begins with /, start the line with //.\
      """;

  /** Number of characters at the end of the text that /undo shows. */
  private static final int SHOWN = 60;

  private static final List<String> COMMANDS =
      List.of(
          "/set", "/unset", "/show", "/retry", "/undo", "/text", "/save", "/reset", "/help",
          "/quit");

  private static final Map<String, String> OTHER_NAMES =
      new TreeMap<>(Map.of("/exit", "/quit", "/clear", "/reset", "/?", "/help"));

  private final TextGenerator generator;
  private final GenerationSettings settings;
  private final CommandSpec command;
  private final Lines lines;
  private final PrintWriter out;
  private final PrintWriter err;
  private final List<String> undo = new ArrayList<>();
  private String text = "";
  private String beforeContinuation = "";
  private int turn;

  Interactive(
      TextGenerator generator,
      GenerationSettings settings,
      Lines lines,
      PrintWriter out,
      PrintWriter err) {
    this.generator = generator;
    this.settings = settings;
    this.command = settings.command();
    this.lines = lines;
    this.out = out;
    this.err = err;
    settings.check(this::check);
  }

  static List<String> commands() {
    return COMMANDS;
  }

  /** Runs until the user quits. */
  void run(String beginning) {
    if (lines.isTerminal()) {
      err.println(
          "Type a text, and the model continues it. /help shows the commands, Ctrl-D quits. Device:"
              + " "
              + generator.model().device());
    }
    if (!beginning.isEmpty()) {
      out.print(beginning);
      attempt(() -> add(beginning));
    }
    while (true) {
      try {
        var line = lines.next();
        if (line == null || isCommand(line, "/quit")) {
          return;
        }
        attempt(() -> handle(line));
      } catch (Lines.Interrupted e) {
        err.println("Ctrl-D quits");
      }
    }
  }

  private static boolean isCommand(String line, String command) {
    var word = line.strip().split("\\s", 2)[0];
    return OTHER_NAMES.getOrDefault(word, word).equals(command);
  }

  /** Prints a failure; the session continues. */
  private void attempt(Runnable action) {
    try {
      action.run();
    } catch (StandardOutput.Failure e) {
      throw e;
    } catch (RuntimeException e) {
      err.println("ggml4j: " + Failures.describe(e, command));
    }
  }

  private void handle(String line) {
    if (line.startsWith("/") && !line.startsWith("//")) {
      command(Words.split(line.strip()));
    } else {
      add(line.startsWith("//") ? line.substring(1) : line);
    }
  }

  private void command(List<String> words) {
    var rest = words.subList(1, words.size());
    var command = OTHER_NAMES.getOrDefault(words.getFirst(), words.getFirst());
    switch (command) {
      case "/set" -> settings.set(first(rest, "a setting"), rest.subList(1, rest.size()));
      case "/unset" -> settings.unset(first(rest, "a setting"));
      case "/show" -> settings.describe().forEach(out::println);
      case "/retry" -> {
        if (beforeContinuation.isEmpty()) {
          throw new IllegalArgumentException("there is no continuation to replace");
        }
        text = beforeContinuation;
        continueText();
      }
      case "/undo" -> {
        if (undo.isEmpty()) {
          throw new IllegalArgumentException("there is nothing to remove");
        }
        text = undo.removeLast();
        beforeContinuation = "";
        err.println("Removed the last line and its continuation. " + ending());
      }
      case "/text" -> out.println(text);
      case "/save" -> save(first(rest, "a file"));
      case "/reset" -> {
        text = "";
        beforeContinuation = "";
        undo.clear();
        err.println(ending());
      }
      case "/help" -> HELP.lines().forEach(out::println);
      default ->
          throw new IllegalArgumentException(
              "there is no command " + words.getFirst() + "; /help shows all");
    }
  }

  private static String first(List<String> words, String what) {
    if (words.isEmpty()) {
      throw new IllegalArgumentException("expected " + what + " after the command; see /help");
    }
    return words.getFirst();
  }

  /** How the text ends now. */
  private String ending() {
    if (text.isEmpty()) {
      return "The text is empty.";
    }
    var lastLine = text.substring(text.stripTrailing().lastIndexOf('\n') + 1).strip();
    int start =
        lastLine.offsetByCodePoints(
            lastLine.length(), -Math.min(SHOWN, lastLine.codePointCount(0, lastLine.length())));
    return "The text ends with: " + (start > 0 ? "..." : "") + lastLine.substring(start);
  }

  private void save(String name) {
    var path = name.startsWith("~/") ? UserFiles.home().resolve(name.substring(2)) : Path.of(name);
    try {
      Files.writeString(path, text.endsWith("\n") ? text : text + "\n");
    } catch (IOException e) {
      throw new IllegalArgumentException("cannot save to " + path + ": " + Failures.describe(e), e);
    }
    err.println("Saved to " + path);
  }

  private void add(String line) {
    if (text.isEmpty() && line.isEmpty()) {
      return;
    }
    undo.addLast(text);
    boolean newLine = !line.isEmpty() && !text.isEmpty() && !text.endsWith("\n");
    text += (newLine ? "\n" : "") + line;
    continueText();
  }

  private void continueText() {
    beforeContinuation = text;
    var options = settings.options();
    int newTokens = newTokens(options);
    var prompt = promptTail(newTokens);
    Consumer<GenerationConfig.Builder> config =
        g -> {
          settings.apply(g, options);
          g.maxNewTokens(newTokens).returnFullText(false);
          var seed = options.seed();
          g.seed(seed == null ? System.nanoTime() : seed + turn);
        };
    turn++;
    try {
      lines.interruptibly(() -> {
        if (options.streams()) {
          stream(prompt, config);
        } else {
          show(generator.generate(prompt, config).getFirst());
        }
      });
    } catch (CancellationException e) {
      // keep what was generated
    } finally {
      Thread.interrupted();
      out.println();
    }
  }

  private void stream(String prompt, Consumer<GenerationConfig.Builder> config) {
    try (var tokens = generator.streamTokens(prompt, config)) {
      for (var token : (Iterable<GeneratedToken>) tokens::iterator) {
        show(token.text());
      }
    }
  }

  private void show(String piece) {
    text += piece;
    out.print(piece);
    out.flush();
  }

  /** Throws if the model cannot generate with these options. */
  private void check(GenerationOptions options) {
    int newTokens = newTokens(options);
    var builder = generator.defaults().toBuilder();
    settings.apply(builder, options);
    builder.maxNewTokens(newTokens).build();
    // Opening a stream checks all options against model and tokenizer; nothing is generated.
    var prompt = text.isEmpty() ? "." : promptTail(newTokens);
    generator
        .streamTokens(
            prompt,
            g -> {
              settings.apply(g, options);
              g.maxNewTokens(newTokens).numBeams(1);
            })
        .close();
  }

  private int newTokens(GenerationOptions options) {
    int most = generator.model().config().nPositions() - 1;
    var given = options.maxNewTokens();
    if (given != null) {
      return Check.between("maxNewTokens", given, 1, most);
    }
    var modelDefault = generator.defaults().maxNewTokens();
    return Math.min(
        modelDefault != null ? modelDefault : GenerationConfig.DEFAULT_NEW_TOKENS, most);
  }

  /**
   * The end of the text, truncated on the left so that the new tokens fit into the model's
   * positions.
   */
  private String promptTail(int newTokens) {
    int room = generator.model().config().nPositions() - newTokens;
    var tokenizer = generator.tokenizer();
    var result = text;
    for (int[] ids = tokenizer.encode(result); ids.length > room; ids = tokenizer.encode(result)) {
      int[] tooMany = Arrays.copyOf(ids, ids.length - room);
      int length =
          Math.clamp(
              tokenizer.decode(tooMany, false).length(), 1, Math.max(1, result.length() - 1));
      result = result.substring(result.offsetByCodePoints(0, result.codePointCount(0, length)));
    }
    return result;
  }
}
