package io.github.ggml4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import picocli.CommandLine;

/** The program accepts every example in its help. */
class ExamplesTest {
  private static final int WIDTH = 80;

  /** A call of the program, up to the next shell operator. */
  private static final Pattern CALL = Pattern.compile("ggml4j ((?:'[^']*'|[^'|<>)])*)");

  private static final Pattern HEADING = Pattern.compile("\nExamples?:\n");

  private static final Pattern WORD = Pattern.compile("(?:'[^']*'|\"[^\"]*\"|\\S)+");

  @TempDir private Path folder;

  static List<String> commands() {
    var all = new ArrayList<>(Commands.names());
    Main.commandLine()
        .getSubcommands()
        .forEach((name, command) ->
            command.getSubcommands().keySet().forEach(sub -> all.add(name + " " + sub)));
    all.add("");
    return all;
  }

  @ParameterizedTest
  @MethodSource("commands")
  void parse(String command) throws IOException {
    var help = Cli.run((command + " --help").strip().split(" ", -1)).out();
    var heading = HEADING.matcher(help);
    assertThat(heading.find()).as(help).isTrue();
    var examples = help.substring(heading.end());
    assertThat(examples).contains("ggml4j " + command);

    assertThat(examples.lines())
        .allSatisfy(line -> assertThat(line).hasSizeLessThanOrEqualTo(WIDTH));
    for (var line : examples.replace("\\\n", "").lines().toList()) {
      if (!line.isBlank()) {
        assertThat(line).startsWith("  ").contains("ggml4j ");
        // Moves a nested call behind the outer one and replaces it with a placeholder.
        var call = CALL.matcher(line.replaceFirst("\"\\$\\((.*?)\\)\"(.*)", "X$2 | $1"));
        while (call.find()) {
          var args = args(call.group(1));
          var program = Main.commandLine();
          assertThatCode(() -> program.parseArgs(expand(program, array(args))))
              .as(line)
              .doesNotThrowAnyException();
        }
      }
    }
  }

  private List<String> args(String text) throws IOException {
    var result = new ArrayList<String>();
    var word = WORD.matcher(text);
    while (word.find()) {
      result.add(word.group().replaceAll("['\"]", ""));
    }
    int config = result.indexOf(ConfigFile.OPTION);
    if (config >= 0) {
      var file = folder.resolve("options.yaml");
      Files.writeString(file, "train: text.txt\noutput: out\n");
      result.set(config + 1, file.toString());
    }
    return result;
  }

  private static String[] array(List<String> words) {
    return words.toArray(String[]::new);
  }

  @Test
  void helpNamesEveryCommand() {
    var help = Cli.run("--help").out();

    for (var command : Commands.names()) {
      assertThat(help).containsPattern("\n  " + command + " ");
    }
  }

  private static String[] expand(CommandLine program, String[] args) {
    var config = ConfigFile.of(program, args);
    return config == null ? args : config.expand();
  }
}
