package io.github.ggml4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.json.JsonMapper;

/** What commands print, and how they fail. */
class CommandLineTest {
  private static final Path MODEL =
      Path.of("..", "java-api", "src", "test", "resources", "golden", "formats", "f32");

  @Test
  void configIsHuggingFacesJson() {
    var outcome = Cli.run("config", "--model", MODEL.toString());

    assertThat(outcome.err()).isEmpty();
    assertThat(outcome.exitCode()).isZero();
    assertThat(outcome.out()).startsWith("{").contains("\"n_embd\": ").endsWith("}\n");
  }

  @Test
  void summaryShowsLayers() {
    var outcome = Cli.run("summary", "--model", MODEL.toString());

    assertThat(outcome.err()).isEmpty();
    assertThat(outcome.exitCode()).isZero();
    assertThat(outcome.out()).contains("wte").contains("c_attn").contains("ln_f");
  }

  @Test
  void versionNamesJavaAndNatives() {
    assertThat(Cli.run("version").out())
        .startsWith("ggml4j ")
        .contains("java ", "ggml ", "kernels ");
    assertThat(Cli.run("--version").out())
        .startsWith("ggml4j ")
        .contains("java ", "ggml ", "kernels ", "devices ");
  }

  @ParameterizedTest
  @CsvSource({
    "help genrate,there is no command genrate; did you mean generate",
    "generate --prompt -hello,write one that begins with - as --prompt=-hello",
    "lab --epochs 0,--epochs is 0",
    "upload no/such/folder me/model,no/such/folder is not a folder",
    "download a/b/c,expected name or org/name",
    "download gpt2 --revision a..b,--revision is"
  })
  void wrongWordsAreExplained(String line, String message) {
    var outcome = Cli.line(line);

    assertThat(outcome.exitCode()).isEqualTo(2);
    assertThat(outcome.out()).isEmpty();
    assertThat(outcome.err()).contains(message, "--help").hasLineCount(1);
  }

  @Test
  void progressFitsItsLineAndIsCleared() {
    var err = new StringWriter();
    var writer = new PrintWriter(err);
    try (var line = new ProgressLine(writer, true, 10)) {
      line.show("longer than ten");
      line.show("short");
    }
    assertThat(err.toString()).isEqualTo("\rlonger tha\rshort     \r     \r");
    try (var line = new ProgressLine(writer, false, 10)) {
      line.show("unseen");
    }
    assertThat(err.toString()).doesNotContain("unseen");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"lab", "summary", "config", "tokenize", "generate", "finetune", "version"})
  void commandsHaveHelp(String command) {
    var outcome = Cli.run(command, "--help");

    assertThat(outcome.exitCode()).isZero();
    assertThat(outcome.out()).startsWith("Usage: ggml4j " + command);
  }

  @Test
  void jsonOfModelsAndVersions() {
    var version = JsonMapper.shared().readTree(Cli.run("version", "--json").out());
    assertThat(version.get("natives").get("ggml").asString()).isNotEmpty();
    var config = Cli.run("config", "--json", "--model", MODEL.toString()).out();
    assertThat(config).hasLineCount(1);
    assertThat(JsonMapper.shared().readTree(config).get("n_embd").asInt()).isPositive();
    var summary = Cli.run("summary", "--json", "--model", MODEL.toString()).out();
    assertThat(summary).hasLineCount(1);
    var tensors = JsonMapper.shared().readTree(summary).get("tensors");
    assertThat(tensors.get(0).get("shape").size()).isEqualTo(2);
  }

  @Test
  void completionContainsCommandsAndOptions() {
    for (var shell : new String[] {"bash", "zsh"}) {
      var outcome = Cli.run("completion", shell);
      assertThat(outcome.exitCode()).isZero();
      assertThat(outcome.out()).contains("complete -F", "finetune", "--learning-rate");
    }
    assertThat(Cli.run("completion", "fish").exitCode()).isEqualTo(2);
  }

  @ParameterizedTest
  @ValueSource(strings = {"genrate:command:generate", "config --modle x:option:--model"})
  void misspeltWordsGetSuggestions(String line) {
    var parts = line.split(":", -1);
    var outcome = Cli.run(parts[0].split(" ", -1));

    assertThat(outcome.exitCode()).isEqualTo(2);
    assertThat(outcome.err())
        .contains("there is no " + parts[1], "did you mean", parts[2], "--help")
        .hasLineCount(1);
  }

  @ParameterizedTest
  @ValueSource(strings = {"help", "help generate", "generate --version", "--version"})
  void helpAndVersionArePrinted(String line) {
    var outcome = Cli.run(line.split(" ", -1));

    assertThat(outcome.err()).isEmpty();
    assertThat(outcome.exitCode()).isZero();
    assertThat(outcome.out()).containsAnyOf("Usage: ", "ggml4j ");
  }

  @Test
  void failureIsOneLine() {
    var outcome = Cli.run("summary", "--model", "no/such/model");

    assertThat(outcome.exitCode()).isEqualTo(1);
    assertThat(outcome.out()).isEmpty();
    assertThat(outcome.err()).startsWith("ggml4j: no/such/model: ").hasLineCount(1);
  }

  @Test
  void codeForTheLabExists() {
    assertThat(CodeExamples.documents())
        .hasSizeGreaterThan(5)
        .anySatisfy(code -> assertThat(code).contains("def sum_list(numbers):"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"--device abacus", "--threads -1", "--model "})
  void badValueNamesItsOption(String option) {
    var words = option.split(" ", -1);
    var outcome = Cli.run("summary", words[0], words[1]);

    assertThat(outcome.exitCode()).isEqualTo(2);
    assertThat(outcome.err())
        .startsWith("ggml4j summary: " + words[0] + " is ")
        .contains(words[1])
        .hasLineCount(1);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "generate",
        "finetune --train x",
        "fly",
        "summary --threads many",
        "version --fast"
      })
  void wrongUsageNamesTheHelp(String line) {
    var outcome = Cli.run(line.isEmpty() ? new String[0] : line.split(" ", -1));

    assertThat(outcome.exitCode()).isEqualTo(2);
    assertThat(outcome.out()).isEmpty();
    assertThat(outcome.err()).contains("--help").hasLineCount(1);
  }
}
