package io.github.ggml4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class InteractiveTest {
  @TempDir private static Path folder;
  private static String model = "";

  @BeforeAll
  static void writeModel() {
    model = TinyModel.write(folder);
  }

  /** A session with these lines for input. */
  private static Cli.Outcome session(String options, String... lines) {
    var in = System.in;
    System.setIn(
        new ByteArrayInputStream(String.join("\n", lines).getBytes(StandardCharsets.UTF_8)));
    try {
      var args = "generate --interactive --threads 1 --model " + model + " " + options;
      return Cli.run(args.strip().split(" ", -1));
    } finally {
      System.setIn(in);
    }
  }

  @Test
  void theTextGrowsLineByLine() {
    var outcome = session("--greedy --max-new-tokens 4", "Once", "upon", "", "/text");

    assertThat(outcome.exitCode()).isZero();
    assertThat(outcome.err()).isEmpty();
    assertThat(outcome.out()).contains("Once").contains("\nupon");
  }

  @Test
  void undoAndResetRemoveText() {
    var outcome =
        session("--max-new-tokens 4", "Once", "/undo", "/text", "/undo", "b", "/reset", "/text");

    assertThat(outcome.err().lines())
        .containsExactly(
            "Removed the last line and its continuation. The text is empty.",
            "ggml4j: there is nothing to remove",
            "The text is empty.");
    assertThat(outcome.out()).doesNotContain("Once").endsWith("\n\n");
  }

  @Test
  void undoSaysHowTheTextEndsNow() {
    var outcome = session("--max-new-tokens 1 --bad-words-ids 0 --seed 1", "Once", "upon", "/undo");

    assertThat(outcome.err())
        .startsWith("Removed the last line and its continuation. The text ends with: Once");
  }

  @Test
  void savesWhatWasWritten() throws IOException {
    var file = folder.resolve("story with spaces.txt");
    var outcome = session("--max-new-tokens 4", "//Größe", "/save '" + file + "'", "/quit", "x");

    assertThat(outcome.err()).contains("Saved to " + file).hasLineCount(1);
    assertThat(Files.readString(file)).startsWith("/Größe").endsWith("\n");
  }

  @Test
  void textsMayExceedTheModelsPositions() {
    var line = "0123456789 äöü ".repeat(4);
    var outcome = session("--max-new-tokens 100 --seed 1", line, line, line, "/text");

    assertThat(outcome.err()).isEmpty();
    assertThat(outcome.out()).contains("\n" + line).hasSizeGreaterThan(2 * TinyModel.POSITIONS);
  }

  @Test
  void seedsRepeatASession() {
    var first = session("--seed 5 --max-new-tokens 8", "a", "b", "/retry");

    assertThat(session("--seed 5 --max-new-tokens 8", "a", "b", "/retry")).isEqualTo(first);
    assertThat(session("--seed 6 --max-new-tokens 8", "a", "b", "/retry")).isNotEqualTo(first);
  }

  @Test
  void settingsChange() {
    var outcome =
        session(
            "--top-k 7",
            "/set temperature 0.5",
            "/set greedy",
            "/set stop \"a b\" 'c\\n'",
            "/unset top_k",
            "/show");

    assertThat(outcome.err()).isEmpty();
    assertThat(outcome.out())
        .containsPattern("temperature +0\\.5\n")
        .containsPattern("greedy +true\n")
        .containsPattern("stop-strings +\"a b\" \"c\\\\n\"\n")
        .containsPattern("top-k +50\n");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "/set|expected a setting",
        "/set top-k|needs a value",
        "/set top-k many|is not an int",
        "/set top-p 2|--top-p is 2.0",
        "/set greedy perhaps|on or off",
        "/set max-new-tokens 5000|--max-new-tokens is 5000, expected 1 to",
        "/set eos-token-id 99999|99999",
        "/set bad-words-ids 99999|99999",
        "/set min-new-tokens 5000|5000",
        "/set colour 1|no setting colour",
        "/unset colour|no setting colour",
        "/fly|there is no command /fly",
        "/save|expected a file",
        "/save no/such/folder/x|cannot save to",
        "/retry|no continuation to replace",
      })
  void mistakesAreReportedAndTheSessionContinues(String line, String message) {
    var outcome = session("", line, "/show");

    assertThat(outcome.exitCode()).isZero();
    assertThat(outcome.err()).contains(message).hasLineCount(1);
    assertThat(outcome.out()).contains("temperature");
  }

  @ParameterizedTest
  @ValueSource(strings = {"--json", "--max-length 20", "--num-return-sequences 2", "--prompt -"})
  void optionsForPromptsAreRefused(String options) {
    var outcome = session(options, "a");

    assertThat(outcome.exitCode()).isEqualTo(2);
    assertThat(outcome.err()).contains("--interactive").hasLineCount(1);
  }

  @Test
  void beginsWithAPrompt() {
    assertThat(session("--prompt Once --max-new-tokens 3", "/text").out()).contains("\nOnce");
  }
}
