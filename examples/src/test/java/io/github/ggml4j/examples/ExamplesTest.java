package io.github.ggml4j.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Runs every step on the bundled model, with little training data. */
class ExamplesTest {
  private static final String CODE =
      """
      def sum(a, b):
          return a + b
      """;

  private final ByteArrayOutputStream printed = new ByteArrayOutputStream();
  private final PrintStream out = System.out;

  @BeforeEach
  void catchOutput() {
    System.setOut(new PrintStream(printed, true, StandardCharsets.UTF_8));
  }

  @AfterEach
  void restoreOutput() {
    System.setOut(out);
  }

  private String output() {
    return printed.toString(StandardCharsets.UTF_8);
  }

  @Test
  void summary() {
    Step1Summary.main();

    assertThat(output()).contains("GPT2LMHeadModel").contains("\"n_embd\": ");
  }

  @Test
  void generate() {
    Step2Generate.main("Once upon");

    assertThat(output().split("Once upon", -1)).hasSizeGreaterThanOrEqualTo(6);
  }

  @Test
  void fineTuneAndGenerateAgain(@TempDir Path folder) throws IOException {
    var code = Files.createDirectory(folder.resolve("code"));
    Files.writeString(code.resolve("sum.py"), CODE.repeat(30));
    var model = folder.resolve("model");

    var result = Step3FineTune.fineTune(code, model, 8, 32);

    assertThat(result.lastLoss()).isLessThan(result.firstLoss());
    assertThat(model.resolve("model.safetensors")).exists();
    assertThat(Files.readAllLines(model.resolve("metrics.jsonl"))).hasSize((int) result.steps());
    Step4GenerateAgain.main(model.toString());
    assertThat(output()).contains("def sum(a, b):");
  }

  @Test
  void stream() {
    Step5Stream.main("The sea");

    assertThat(output()).startsWith("The sea");
  }

  @Test
  void lab(@TempDir Path code) throws IOException {
    Files.writeString(code.resolve("sum.py"), CODE.repeat(10));

    Lab.run(code, 1);

    assertThat(output()).contains("Once upon a time").contains("def sum(a, b):");
  }
}
