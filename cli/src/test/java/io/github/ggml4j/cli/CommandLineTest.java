package io.github.ggml4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What commands print, and how they fail. */
class CommandLineTest {
  private static final Path MODEL =
      Path.of("..", "java-api", "src", "test", "resources", "golden", "formats", "f32");

  private record Outcome(int exitCode, String out, String err) {}

  private static Outcome run(String... args) {
    var out = new StringWriter();
    var err = new StringWriter();
    var exitCode =
        Main.commandLine()
            .setOut(new PrintWriter(out, true))
            .setErr(new PrintWriter(err, true))
            .execute(args);
    return new Outcome(exitCode, out.toString(), err.toString());
  }

  @Test
  void configIsHuggingFacesJson() {
    var outcome = run("config", "--model", MODEL.toString());

    assertThat(outcome.err()).isEmpty();
    assertThat(outcome.exitCode()).isZero();
    assertThat(outcome.out()).startsWith("{").contains("\"n_embd\": ").endsWith("}\n");
  }

  @Test
  void summaryShowsLayers() {
    var outcome = run("summary", "--model", MODEL.toString());

    assertThat(outcome.err()).isEmpty();
    assertThat(outcome.exitCode()).isZero();
    assertThat(outcome.out()).contains("wte").contains("c_attn").contains("ln_f");
  }

  @Test
  void versionNamesTheJava() {
    assertThat(run("version").out()).startsWith("ggml4j ").contains("java ");
  }

  @ParameterizedTest
  @ValueSource(strings = {"summary", "config", "version"})
  void commandsHaveHelp(String command) {
    var outcome = run(command, "--help");

    assertThat(outcome.exitCode()).isZero();
    assertThat(outcome.out()).startsWith("Usage: ggml4j " + command);
  }

  @Test
  void failureIsOneLine() {
    var outcome = run("summary", "--model", "no/such/model");

    assertThat(outcome.exitCode()).isEqualTo(1);
    assertThat(outcome.out()).isEmpty();
    assertThat(outcome.err()).startsWith("ggml4j: no/such/model: ").hasLineCount(1);
  }

  @Test
  void badValueIsOneLine() {
    var outcome = run("summary", "--model", MODEL.toString(), "--device", "abacus");

    assertThat(outcome.exitCode()).isEqualTo(1);
    assertThat(outcome.err()).contains("abacus").hasLineCount(1);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "summary", "fly", "summary --threads many", "version --fast"})
  void wrongUsageNamesTheHelp(String line) {
    var outcome = run(line.isEmpty() ? new String[0] : line.split(" ", -1));

    assertThat(outcome.exitCode()).isEqualTo(2);
    assertThat(outcome.out()).isEmpty();
    assertThat(outcome.err()).contains("--help").hasLineCount(1);
  }
}
