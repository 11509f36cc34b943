package io.github.ggml4j.cli;

import io.github.ggml4j.TextGenerator;
import io.github.ggml4j.generation.GeneratedToken;
import io.github.ggml4j.generation.GenerationConfig;
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
 * A text that a user and a model write in turns: every line that is typed is added to it, and the
 * model goes on from there.
 */
final class Interactive {
  /** What the model adds when no length is asked for. */
  private static final int USUAL_NEW_TOKENS = 50;

  private static final String HELP =
      """
      Type a line: it is added to the text, and the model continues it. An empty line: it goes on.
      /set NAME VALUE   changes a setting, as in: /set temperature 0.8
      /unset NAME       gives it its default
      /show             shows all settings; they are the options of ggml4j generate
      /retry            takes back what the model wrote last, and has it write again
      /undo             takes back the last line and what the model made of it
      /text             shows the whole text
      /save FILE        writes the text to a file
      /reset            begins a new text
      /quit             leaves, as does Ctrl-D; Ctrl-C stops the model
      A line of text that begins with / is typed with two of them.\
      """;

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
  private String beforeModel = "";
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
  }

  static List<String> commands() {
    return COMMANDS;
  }

  /** Until its user leaves. */
  void run(String beginning) {
    if (lines.isTerminal()) {
      err.println(
          "Type a text, and the model continues it. /help tells more, Ctrl-D leaves. On "
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
        attempt(() -> take(line));
      } catch (Lines.Interrupted e) {
        err.println("Ctrl-D leaves");
      }
    }
  }

  private static boolean isCommand(String line, String command) {
    var word = line.strip().split("\\s", 2)[0];
    return OTHER_NAMES.getOrDefault(word, word).equals(command);
  }

  /** What goes wrong is told, and the session goes on. */
  private void attempt(Runnable action) {
    try {
      action.run();
    } catch (StandardOutput.Failure e) {
      throw e;
    } catch (RuntimeException e) {
      err.println("ggml4j: " + OptionNames.translate(Failures.describe(e), command));
    }
  }

  private void take(String line) {
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
        if (beforeModel.isEmpty()) {
          throw new IllegalArgumentException("there is nothing to write again yet");
        }
        text = beforeModel;
        continueText();
      }
      case "/undo" -> {
        if (undo.isEmpty()) {
          throw new IllegalArgumentException("there is nothing to take back");
        }
        text = undo.removeLast();
        beforeModel = "";
      }
      case "/text" -> out.println(text);
      case "/save" -> save(first(rest, "a file"));
      case "/reset" -> {
        text = "";
        beforeModel = "";
        undo.clear();
      }
      case "/help" -> HELP.lines().forEach(out::println);
      default ->
          throw new IllegalArgumentException(
              "there is no " + words.getFirst() + "; /help names what there is");
    }
  }

  private static String first(List<String> words, String what) {
    if (words.isEmpty()) {
      throw new IllegalArgumentException("expected " + what + " behind it; /help shows how");
    }
    return words.getFirst();
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
    beforeModel = text;
    var options = settings.options();
    int newTokens = newTokens(options);
    var prompt = end(newTokens);
    Consumer<GenerationConfig.Builder> config =
        g -> {
          options.apply(g);
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
      // What is there stays
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

  private int newTokens(GenerationOptions options) {
    var given = options.maxNewTokens();
    int most = generator.model().config().nPositions() - 1;
    if (given != null && given > most) {
      throw new IllegalArgumentException(
          "max-new-tokens is " + given + ", expected at most " + most + " with this model");
    }
    return given != null ? given : Math.min(USUAL_NEW_TOKENS, most);
  }

  /** As much of the end of the text as the model can take with room for new tokens. */
  private String end(int newTokens) {
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
