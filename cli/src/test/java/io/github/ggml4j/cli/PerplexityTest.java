package io.github.ggml4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.json.JsonMapper;

class PerplexityTest {
  @TempDir private static Path folder;
  private static String model;
  private static String text;

  @BeforeAll
  static void write() throws IOException {
    model = TinyModel.write(folder);
    text = folder.resolve("text.txt").toString();
    Files.writeString(Path.of(text), "Alice was beginning to get very tired. ".repeat(20) + "\n");
  }

  private static Cli.Outcome run(String... options) {
    var args = new String[options.length + 5];
    System.arraycopy(
        new String[] {"perplexity", "--threads", "1", "--model", model}, 0, args, 0, 5);
    System.arraycopy(options, 0, args, 5, options.length);
    return Cli.run(args);
  }

  @Test
  void strided() {
    var outcome = run(text, "--context", "64", "--stride", "16", "--json");
    assertThat(outcome.err()).isEmpty();
    assertThat(outcome.exitCode()).isZero();
    var json = JsonMapper.shared().readTree(outcome.out());
    assertThat(json.get("perplexity").asDouble()).isBetween(200.0, 300.0); // 257 tokens, untrained
    assertThat(json.get("tokens").asInt()).isBetween(700, 780);
    assertThat(json.get("method").asString()).isEqualTo("strided");
    assertThat(json.get("context").asInt()).isEqualTo(64);
    assertThat(json.get("stride").asInt()).isEqualTo(16);
  }

  @Test
  void chunkedLeavesOutTheLastLineEnd() throws IOException {
    var outcome = run(text, "--method", "chunked", "--context", "64");
    assertThat(outcome.exitCode()).isZero();
    assertThat(outcome.out()).startsWith("perplexity 2").contains("in 12 windows of 64");
    var exact = folder.resolve("exact.txt");
    Files.writeString(exact, "0123456\n".repeat(16)); // 128 tokens, two windows only with the last
    var tooShort = run(exact.toString(), "--method", "chunked", "--context", "64");
    assertThat(tooShort.exitCode()).isEqualTo(Main.FAILED);
    assertThat(tooShort.err()).contains("text is 127 tokens long").hasLineCount(1);
  }

  @Test
  void typesAreCompared() {
    var outcome = run(text, "--compare", "f16,q8_0", "--context", "64", "--windows", "2");
    assertThat(outcome.exitCode()).as(outcome.err()).isZero();
    assertThat(outcome.out()).contains("perplexity 2").containsPattern("(?m)^f16 ");
    var json = run(text, "--compare", "q8_0", "--context", "64", "--windows", "2", "--json");
    var type = JsonMapper.shared().readTree(json.out()).get("types").get(0);
    assertThat(type.get("type").asString()).isEqualTo("q8_0");
    assertThat(type.get("kl_divergence").asDouble()).isBetween(0.0, 0.1);
    assertThat(type.get("bytes").asLong()).isPositive();
    assertThat(run(text, "--compare", "q9").exitCode()).isEqualTo(Main.WRONG_USAGE);
    assertThat(run(text, "--imatrix", "x").err()).contains("--imatrix needs --compare");
  }

  @Test
  void bench() {
    var outcome =
        Cli.line(
            "bench --model {} --threads 1 --runs 2 --new-tokens 3 --batch-size 2"
                + " --max-sequence-length 16",
            model);
    assertThat(outcome.exitCode()).as(outcome.err()).isZero();
    assertThat(outcome.out()).contains("1 thread", "parameters");
    for (var what : BenchCommand.What.values()) {
      assertThat(outcome.out()).containsPattern("(?m)^" + what + " +[0-9.]+ tokens/s");
    }
    var json = Cli.run("bench", "--model", model, "--only", "decode", "--runs", "2", "--json");
    var result = JsonMapper.shared().readTree(json.out()).get("results").get(0);
    assertThat(result.get("name").asString()).isEqualTo("decode");
    assertThat(result.get("runs").size()).isEqualTo(2);
    for (var wrong : List.of("--runs 0", "--batch-size 0", "--max-sequence-length 4096")) {
      var refused = Cli.line("bench --model {} --threads 1 " + wrong, model);
      assertThat(refused.exitCode()).isEqualTo(Main.WRONG_USAGE);
      assertThat(refused.out()).isEmpty();
      assertThat(refused.err()).contains(wrong.replace(" ", " is ")).hasLineCount(1);
    }
  }

  @Test
  void devices() {
    assertThat(Cli.run("devices").out()).containsPattern("(?m)^cpu +.+ GiB free");
    var json = JsonMapper.shared().readTree(Cli.run("devices", "--json").out());
    assertThat(json.get(0).get("total_memory").asLong()).isPositive();
  }

  @Test
  void mistakesAreOneLine() {
    assertThat(run(text, "--method", "chunked", "--stride", "3").err())
        .contains("--stride needs --method strided");
    assertThat(run("no-such-file").err()).contains("no such file: no-such-file");
    assertThat(run(text, "--context", "4096").err()).contains("n_positions = 128").hasLineCount(1);
    var noWindow = run(text, "--windows", "0");
    assertThat(noWindow.exitCode()).isEqualTo(Main.WRONG_USAGE);
    assertThat(noWindow.err()).contains("--windows is 0").hasLineCount(1);
    assertThat(run().exitCode()).isEqualTo(Main.WRONG_USAGE);
  }

  @Test
  void textsMustBeUtf8() throws IOException {
    var latin = folder.resolve("latin.txt");
    Files.write(latin, "caf\u00e9 or tea".getBytes(StandardCharsets.ISO_8859_1));
    for (var line :
        List.of(
            "perplexity {}",
            "imatrix --output " + folder.resolve("m.gguf") + " {}",
            "tokenize {}",
            "tokenize --whole {}",
            "generate --prompt-file {}")) {
      var outcome = Cli.line(line, latin);
      assertThat(outcome.exitCode()).isNotZero();
      assertThat(outcome.out()).isEmpty();
      assertThat(outcome.err())
          .contains("latin.txt is not UTF-8: byte 0xe9 at offset 3")
          .hasLineCount(1);
    }
  }
}
