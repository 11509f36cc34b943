package io.github.ggml4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.ggml4j.io.ModelFiles;
import io.github.ggml4j.quantization.ImportanceMatrix;
import io.github.ggml4j.quantization.Quantization;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.json.JsonMapper;

class ConvertTest {
  @TempDir Path folder;

  private Cli.Outcome convert(Object model, String output, String options, Object... values) {
    return Cli.line(
        "convert --model {} --threads 1 --output {} " + options,
        Stream.concat(Stream.of(model, folder.resolve(output)), Stream.of(values)).toArray());
  }

  @Test
  void aModelGoesToAFolderAndBack() {
    var model = TinyModel.write(folder);
    var there = convert(model, "hf", "--type f32");
    assertThat(there.err()).isEmpty();
    assertThat(there.exitCode()).isZero();
    assertThat(there.out()).contains("Wrote", "f32 (16 f32)", "bits per weight");
    var back = convert(folder.resolve("hf"), "back.gguf", "--type q8_0");
    assertThat(back.err()).isEmpty();
    assertThat(back.exitCode()).isZero();
    try (var files = ModelFiles.open(folder.resolve("back.gguf"))) {
      assertThat(files.hasTokenizer()).isTrue();
    }
    var generated =
        Cli.line(
            "generate --model {} --prompt a --threads 1 --max-new-tokens 2",
            folder.resolve("back.gguf"));
    assertThat(generated.exitCode()).isZero();
  }

  @Test
  void anImportanceMatrixIsComputedAddedToAndUsed() throws IOException {
    var model = TinyModel.write(folder);
    var text = folder.resolve("text.txt");
    Files.writeString(text, "To be, or not to be, that is the question. ".repeat(4));
    var matrix = folder.resolve("m.gguf");
    var more = folder.resolve("more.dat");
    var imatrix = "imatrix --model {} --threads 1 --context 32 --output {} {} ";
    var first = Cli.line(imatrix + "--chunks 2", model, matrix, text);
    assertThat(first.err()).isEmpty();
    assertThat(first.out()).contains("4 matrices, 2 chunks of 32 tokens");
    var second = Cli.line(imatrix + "--in-file {} --json", model, more, text, matrix);
    assertThat(second.exitCode()).isZero();
    assertThat(JsonMapper.shared().readTree(second.out()).get("chunks").asInt()).isEqualTo(7);
    assertThat(ImportanceMatrix.read(more).chunkCount()).isEqualTo(2 + 172 / 32);
    var quantized = convert(model, "q.gguf", "--type q4_0 --imatrix {}", more);
    assertThat(quantized.err()).isEmpty();
    assertThat(quantized.exitCode()).isZero();
  }

  @Test
  void wrongUseIsExplained() {
    var model = TinyModel.write(folder);
    var quantizedFolder = convert(model, "hf", "--type q4_k_m");
    assertThat(quantizedFolder.exitCode()).isEqualTo(2);
    assertThat(quantizedFolder.err()).contains("q4_k_m").contains(".gguf");
    var unknown = convert(model, "x.gguf", "--type q9");
    assertThat(unknown.exitCode()).isEqualTo(2);
    assertThat(unknown.err()).contains("q9").contains("q8_0");
    var pure = convert(model, "x.gguf", "--type f16 --pure");
    assertThat(pure.exitCode()).isEqualTo(2);
    var nowhere = convert(model, "none/x.gguf", "--type f16");
    assertThat(nowhere.exitCode()).isEqualTo(1);
    assertThat(nowhere.err()).contains("none").hasLineCount(1);
    var pattern = convert(model, "x.gguf", "--type q8_0 --tensor-type [=q8_0");
    assertThat(pattern.exitCode()).isEqualTo(2);
    assertThat(pattern.err()).contains("--tensor-type").hasLineCount(1);
    assertThat(convert(model, "x.gguf", "--type q8_0 --tensor-type ffn").err())
        .contains("expected PATTERN=TYPE")
        .hasLineCount(1);
    assertThat(folder.resolve("x.gguf")).doesNotExist();
  }

  @Test
  void writtenTypesAreReported() {
    var model = TinyModel.write(folder);
    // Rows of 16 are no whole blocks, those of 64 fit for the smaller ones only
    assertThat(convert(model, "q.gguf", "--type q4_k_m").out())
        .contains("q4_k_m (11 f32, 4 f16, 1 q8_0)");
    assertThat(convert(model, "q8.gguf", "--type q8_0").exitCode()).isZero();
    assertThat(convert(folder.resolve("q8.gguf"), "hf", "").out()).contains("hf: 16 f16, ");
    var json = JsonMapper.shared().readTree(convert(model, "q.gguf", "--type q4_k_m --json").out());
    assertThat(json.get("path").asString()).isEqualTo(folder.resolve("q.gguf").toString());
    assertThat(json.get("type").asString()).isEqualTo("q4_k_m");
    assertThat(json.get("bytes").asLong()).isEqualTo(folder.resolve("q.gguf").toFile().length());
    assertThat(json.get("tensors").get("f16").asInt()).isEqualTo(4);
  }

  @Test
  void anUnwritableOutputIsRefusedBeforeTheComputation() throws IOException {
    var model = TinyModel.write(folder);
    var text = Files.writeString(folder.resolve("short.txt"), "too short");
    for (var place : List.of(folder, folder.resolve("none/m.gguf"))) {
      var outcome = Cli.line("imatrix --model {} --output {} {}", model, place, text);
      assertThat(outcome.exitCode()).isEqualTo(2);
      assertThat(outcome.err()).contains("--output " + place).hasLineCount(1);
    }
    var noText = Cli.line("imatrix --model {} --output {} {}", model, folder + "/m.gguf", folder);
    assertThat(noText.err()).contains(folder + " is a folder").hasLineCount(1);
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
