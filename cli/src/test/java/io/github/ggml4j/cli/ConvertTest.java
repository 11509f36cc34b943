package io.github.ggml4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.ggml4j.model.ImportanceMatrix;
import io.github.ggml4j.model.ModelFiles;
import io.github.ggml4j.model.Quantization;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ConvertTest {
  @TempDir Path folder;

  private Cli.Outcome convert(String model, String output, String... more) {
    var args = new String[7 + more.length];
    var first =
        new String[] {
          "convert",
          "--model",
          model,
          "--threads",
          "1",
          "--output",
          folder.resolve(output).toString()
        };
    System.arraycopy(first, 0, args, 0, first.length);
    System.arraycopy(more, 0, args, first.length, more.length);
    return Cli.run(args);
  }

  @Test
  void aModelGoesToAFolderAndBack() {
    var model = TinyModel.write(folder);
    var there = convert(model, "hf", "--type", "f32");
    assertThat(there.err()).isEmpty();
    assertThat(there.exitCode()).isZero();
    assertThat(there.out()).contains("Wrote").contains("f32").contains("bits for each of");
    var back = convert(folder.resolve("hf").toString(), "back.gguf", "--type", "q8_0");
    assertThat(back.err()).isEmpty();
    assertThat(back.exitCode()).isZero();
    try (var files = ModelFiles.open(folder.resolve("back.gguf"))) {
      assertThat(files.hasTokenizer()).isTrue();
    }
    var generated =
        Cli.run(
            "generate",
            "--model",
            folder.resolve("back.gguf").toString(),
            "--prompt",
            "a",
            "--threads",
            "1",
            "--max-new-tokens",
            "2");
    assertThat(generated.exitCode()).isZero();
  }

  @Test
  void anImportanceMatrixIsComputedAddedToAndUsed() throws IOException {
    var model = TinyModel.write(folder);
    var text = folder.resolve("text.txt");
    Files.writeString(text, "To be, or not to be, that is the question. ".repeat(4));
    var matrix = folder.resolve("m.gguf").toString();
    var more = folder.resolve("more.dat").toString();
    var first =
        Cli.run(
            "imatrix",
            "--model",
            model,
            "--threads",
            "1",
            "--context",
            "32",
            "--chunks",
            "2",
            "--output",
            matrix,
            text.toString());
    assertThat(first.err()).isEmpty();
    assertThat(first.out()).contains("4 matrices, 2 chunks of 32 tokens");
    var second =
        Cli.run(
            "imatrix",
            "--model",
            model,
            "--threads",
            "1",
            "--context",
            "32",
            "--in-file",
            matrix,
            "--output",
            more,
            text.toString());
    assertThat(second.exitCode()).isZero();
    assertThat(ImportanceMatrix.read(Path.of(more)).chunkCount()).isEqualTo(2 + 172 / 32);
    var quantized = convert(model, "q.gguf", "--type", "q4_0", "--imatrix", more);
    assertThat(quantized.err()).isEmpty();
    assertThat(quantized.exitCode()).isZero();
  }

  @Test
  void wrongUseIsExplained() {
    var model = TinyModel.write(folder);
    var quantizedFolder = convert(model, "hf", "--type", "q4_k_m");
    assertThat(quantizedFolder.exitCode()).isEqualTo(2);
    assertThat(quantizedFolder.err()).contains("q4_k_m").contains(".gguf");
    var unknown = convert(model, "x.gguf", "--type", "q9");
    assertThat(unknown.exitCode()).isEqualTo(2);
    assertThat(unknown.err()).contains("q9").contains("q8_0");
    var pure = convert(model, "x.gguf", "--type", "f16", "--pure");
    assertThat(pure.exitCode()).isEqualTo(2);
    var nowhere = convert(model, "none/x.gguf", "--type", "f16");
    assertThat(nowhere.exitCode()).isEqualTo(1);
    assertThat(nowhere.err()).contains("none").hasLineCount(1);
    assertThat(folder.resolve("x.gguf")).doesNotExist();
  }

  @Test
  void theHelpListsEveryTypeWithItsBits() {
    var help = Cli.run("convert", "--help").out();
    for (var type : Quantization.values()) {
      assertThat(help).contains("  " + type.label() + " ");
    }
    assertThat(help).contains("32.00").contains("iq2_xxs    3.45*").contains("Examples:");
  }
}
