package io.github.ggml4j.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.ggml4j.Golden;
import io.github.ggml4j.format.ModelFormatException;
import io.github.ggml4j.format.safetensors.SafetensorsFile;
import io.github.ggml4j.inference.InferenceSession;
import io.github.ggml4j.model.Gpt2Config;
import io.github.ggml4j.model.WeightSpec;
import io.github.ggml4j.tensor.Device;
import io.github.ggml4j.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Models in every form that is read, against the logits that transformers computed. Written by
 * {@code make_golden_readers.py} and {@code make_golden_tensorflow.py} among the test sources.
 */
class ReadersTest {
  private static final Path FOLDER = Golden.path("readers");

  /** Absolute, and relative where values are larger than 1. */
  private static final double TOLERANCE = 1e-4;

  @ParameterizedTest
  @CsvSource({
    "torch-zip, untied",
    "torch-legacy, relu-epsilon",
    "torch-bfloat16, bfloat16",
    "torch-float16-legacy, float16",
    "torch-double, tiny",
    "torch-views, tiny",
    "torch-old, tiny",
    "torch-sharded, sharded",
    "tensorflow, float16",
    "tensorflow-run, tiny",
    "tensorflow-snappy, tiny",
  })
  void logitsAreThoseOfTheGoldenModel(String form, String golden) {
    var prompt =
        Golden.ints(Golden.json("models/" + golden + "/golden.json").get("logits").get("prompt"));
    try (var file = SafetensorsFile.open(Golden.path("models/" + golden + "/golden.safetensors"));
        var model = Models.load(FOLDER.resolve(form), Device.cpu(1))) {
      var expected = Golden.floats(file, "logits");
      int width = model.config().vocabSize();
      var actual = InferenceSession.logits(model, prompt);
      assertThat(expected).hasSize(prompt.length * width);
      for (int t = 0; t < prompt.length; t++) {
        assertClose(actual[t], Arrays.copyOfRange(expected, t * width, (t + 1) * width));
      }
    }
  }

  @Test
  void whatWouldRunCodeIsRefusedByName(@TempDir Path folder) throws IOException {
    Files.copy(FOLDER.resolve("torch-zip/config.json"), folder.resolve("config.json"));
    for (var name : new String[] {"pytorch_model.bin", "legacy.bin"}) {
      Files.write(
          folder.resolve("pytorch_model.bin"),
          Files.readAllBytes(FOLDER.resolve("torch-refused").resolve(name)));
      assertThatThrownBy(() -> ModelFiles.open(folder))
          .isInstanceOf(ModelFormatException.class)
          .hasMessageContaining("posix.system")
          .hasMessageContaining("safetensors");
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4, 5})
  void filesOfLlmc(int version) {
    var name = "llmc-v" + version + ".bin";
    var golden = Golden.json("readers/expected.json").get(name);
    try (var model = Models.load(FOLDER.resolve(name), Device.cpu(1))) {
      assertThat(model.config().vocabSize()).isEqualTo(61);
      var actual = InferenceSession.logits(model, Golden.ints(golden.get("prompt")));
      for (int t = 0; t < actual.length; t++) {
        var row = golden.get("logits").get(t);
        var expected = new float[row.size()];
        for (int i = 0; i < expected.length; i++) {
          expected[i] = row.get(i).floatValue();
        }
        assertClose(actual[t], expected);
      }
    }
  }

  @Test
  void tokenizersOfOpenAi(@TempDir Path folder) throws IOException {
    var legacy = FOLDER.resolve("../tokenizers/legacy");
    Files.copy(legacy.resolve("vocab.json"), folder.resolve("encoder.json"));
    assertThatThrownBy(() -> Tokenizer.load(folder)).hasMessageContaining("vocab.bpe");
    Files.copy(legacy.resolve("merges.txt"), folder.resolve("vocab.bpe"));
    var text = "The 3 hungry foxes' den \u00e4 \u732b  isn't\n far.<|endoftext|>";
    var tokenizer = Tokenizer.load(folder);
    assertThat(tokenizer.encode(text)).containsExactly(Tokenizer.load(legacy).encode(text));
    assertThat(tokenizer.files()).containsKeys("vocab.json", "merges.txt", "tokenizer.json");
    try (var files = ModelFiles.open(FOLDER.resolve("tensorflow"))) {
      assertThat(files.hasTokenizer()).isTrue();
      assertThat(files.tokenizer().eosTokenId()).isEqualTo(files.config().eosTokenId());
      assertThat(files.tokenizer().decode(files.tokenizer().encode("abc ab"))).isEqualTo("abc ab");
    }
  }

  @Test
  void theTokenizerOfLlmcIsGpt2s(@TempDir Path folder) throws IOException {
    var file = folder.resolve("model.bin");
    Files.copy(FOLDER.resolve("llmc-v3.bin"), file);
    try (var files = ModelFiles.open(file)) {
      assertThat(files.hasTokenizer()).isFalse();
      assertThatThrownBy(files::tokenizer).hasMessageContaining("has no tokenizer.json");
    }
    var config =
        Gpt2Config.builder().vocabSize(50257).nPositions(2).nEmbd(1).nHead(1).nLayer(1).build();
    long weights = WeightSpec.of(config).stream().mapToLong(WeightSpec::elements).sum();
    var bytes = ByteBuffer.allocate((int) (1024 + 4 * weights)).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asIntBuffer().put(new int[] {20240326, 1, 2, 50257, 1, 1, 1});
    Files.write(file, bytes.array());
    assertThat(ModelFiles.readTokenizer(file).vocabSize()).isEqualTo(50257);
    try (var files = ModelFiles.open(file)) {
      assertThat(files.hasTokenizer()).isTrue();
      assertThat(files.tokenizer().encode("Hello")).containsExactly(15496);
      assertThat(files.config().eosTokenId()).isEqualTo(50256);
    }
  }

  @Test
  void aDamagedVariableIsNoticedBeforeItIsUsed(@TempDir Path folder) throws IOException {
    for (var name : new String[] {"checkpoint", "hparams.json", "model.ckpt.index"}) {
      Files.copy(FOLDER.resolve("tensorflow").resolve(name), folder.resolve(name));
    }
    assertThatThrownBy(() -> ModelFiles.open(folder)).hasMessageContaining("data-00000-of-00001");
    var data = "model.ckpt.data-00000-of-00001";
    var bytes = Files.readAllBytes(FOLDER.resolve("tensorflow").resolve(data));
    bytes[bytes.length / 2] ^= 1;
    Files.write(folder.resolve(data), bytes);
    assertThatThrownBy(() -> Models.load(folder, Device.cpu(1)))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("wrong checksum");
  }

  @Test
  void whatThereIsDecidesTheForm(@TempDir Path folder) throws IOException {
    assertThatThrownBy(() -> ModelFiles.open(folder))
        .hasMessageContaining("has no config.json, no hparams.json and no .gguf file")
        .hasMessageContaining("pytorch_model.bin")
        .hasMessageContaining("model.ckpt.index")
        .hasMessageContaining("llm.c");
    Files.copy(FOLDER.resolve("../formats/f32.gguf"), folder.resolve("a.gguf"));
    try (var files = ModelFiles.open(folder)) {
      assertThat(files.isGguf()).isTrue();
    }
    Files.copy(FOLDER.resolve("../formats/f16.gguf"), folder.resolve("b.gguf"));
    assertThatThrownBy(() -> ModelFiles.open(folder)).hasMessageContaining("2 .gguf files");
    Files.move(folder.resolve("a.gguf"), folder.resolve("model"));
    ModelFiles.open(folder.resolve("model")).close();
    assertThatThrownBy(() -> ModelFiles.open(FOLDER.resolve("torch-zip/pytorch_model.bin")))
        .hasMessageContaining("Give the folder");
    assertThatThrownBy(() -> ModelFiles.open(FOLDER.resolve("tensorflow/model.ckpt.index")))
        .hasMessageContaining("Give the folder");
    Files.writeString(folder.resolve("empty"), "");
    assertThatThrownBy(() -> ModelFiles.open(folder.resolve("empty")))
        .hasMessageContaining("is empty");
    Files.write(folder.resolve("other"), new byte[] {1, 2, 3, 4, 5});
    assertThatThrownBy(() -> ModelFiles.open(folder.resolve("other")))
        .hasMessageContaining("starts with the bytes 01 02 03 04 05");
  }

  private static void assertClose(float[] actual, float[] expected) {
    assertThat(actual).hasSameSizeAs(expected);
    for (int i = 0; i < actual.length; i++) {
      double bound = TOLERANCE * Math.max(1, Math.abs(expected[i]));
      assertThat(Math.abs(actual[i] - expected[i])).isLessThanOrEqualTo((float) bound);
    }
  }
}
