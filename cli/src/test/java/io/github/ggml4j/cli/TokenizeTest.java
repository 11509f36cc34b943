package io.github.ggml4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TokenizeTest {
  @TempDir private Path folder;

  private String file(String text) throws IOException {
    return Files.writeString(folder.resolve("input.txt"), text).toString();
  }

  @Test
  void eachLineHasItsIds() throws IOException {
    var outcome = Cli.run("tokenize", file("Once upon a time\n\nHello\r\nlast<|endoftext|>"));

    assertThat(outcome.err()).isEmpty();
    assertThat(outcome.out().lines())
        .containsExactly("7454 2402 257 640", "", "15496 201", "12957 50256");
  }

  @Test
  void wholeFilesKeepTheirLineEnds() throws IOException {
    assertThat(Cli.run("tokenize", "--whole", file("a\nb\n")).out()).isEqualTo("64 198 65 198\n");
  }

  @Test
  void idsBecomeText() throws IOException {
    var ids = file("7454 2402 257 640\n\n15496\n");

    assertThat(Cli.run("tokenize", "--decode", ids).out()).isEqualTo("Once upon a time\n\nHello\n");
    assertThat(Cli.run("tokenize", "--decode", "--whole", ids).out())
        .isEqualTo("Once upon a timeHello");
  }

  @Test
  void jsonHasAnObjectForEachLine() throws IOException {
    var line =
        "{\"text\":\"Once upon\",\"ids\":[7454,2402],\"tokens\":[\"Once\",\"\u0120upon\"]}\n";

    assertThat(Cli.run("tokenize", "--json", file("Once upon\nOnce upon")).out())
        .isEqualTo(line + line);
    assertThat(Cli.run("tokenize", "--json", "--decode", file("7454 2402")).out()).isEqualTo(line);
  }

  @Test
  void vocabulariesOfModelsAreUsed() throws IOException {
    var model = TinyModel.write(folder);

    assertThat(Cli.run("tokenize", "--model", model, file("ab<|endoftext|>")).out())
        .isEqualTo("64 65 256\n");
  }

  @Test
  void badIdIsOneLine() throws IOException {
    var outcome = Cli.run("tokenize", "--decode", file("12 zwölf"));

    assertThat(outcome.exitCode()).isEqualTo(1);
    assertThat(outcome.err()).contains("zwölf").hasLineCount(1);
  }

  @Test
  void malformedUtf8IsReportedInLaterLinesToo() throws IOException {
    var file = folder.resolve("latin.txt");
    Files.write(file, "Once\n\u00ff".getBytes(StandardCharsets.ISO_8859_1));
    var outcome = Cli.run("tokenize", file.toString());

    assertThat(outcome.out()).isEqualTo("7454\n");
    assertThat(outcome.exitCode()).isEqualTo(1);
    assertThat(outcome.err()).contains("byte 0xff at offset 5");
  }

  @Test
  void missingFileIsNamed() {
    var outcome = Cli.run("tokenize", folder.resolve("none.txt").toString());

    assertThat(outcome.exitCode()).isEqualTo(1);
    assertThat(outcome.err()).contains("none.txt").hasLineCount(1);
    assertThat(Cli.run("tokenize", folder.toString()).err()).contains(folder + " is a folder");
  }
}
