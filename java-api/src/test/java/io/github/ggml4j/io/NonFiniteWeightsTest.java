package io.github.ggml4j.io;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.ggml4j.format.ModelFormatException;
import io.github.ggml4j.format.gguf.GgufFile;
import io.github.ggml4j.format.safetensors.SafetensorsFile;
import io.github.ggml4j.model.Gpt2Config;
import io.github.ggml4j.model.Gpt2Model;
import io.github.ggml4j.model.WeightSpec;
import io.github.ggml4j.tensor.DType;
import io.github.ggml4j.tensor.Device;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A weight that is NaN or infinite is found when the model is loaded, whatever its type. */
class NonFiniteWeightsTest {
  private static final Gpt2Config CONFIG =
      Gpt2Config.builder().vocabSize(96).nPositions(32).nEmbd(32).nLayer(2).nHead(2).build();

  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource({
    "F32, wte.weight, 7f800000, '[2, 3]'",
    "F32, ln_f.bias, ffc00001, '[3]'",
    "F16, wpe.weight, fc00, '[2, 3]'",
    "F16, h.1.ln_2.weight, 7fc00000, '[3]'",
    "BF16, h.1.mlp.c_fc.weight, 7fc0, '[2, 3]'",
    "Q8_0, h.0.attn.c_attn.weight, 7e00, '[3, 0]'",
    "Q8_0, h.1.mlp.c_proj.bias, ff800000, '[3]'",
    "Q4_1, h.1.attn.c_proj.weight, 7c00, '[3, 0]'",
  })
  void inGgufFiles(DType type, String name, String value, String position) throws IOException {
    var file = folder.resolve("model.gguf");
    try (var model = Gpt2Model.random(CONFIG, Device.cpu(1), 1)) {
      Models.save(model, file, ModelExport.builder().type(type).name("test").build());
    }
    var bytes = Files.readAllBytes(file);
    try (var gguf = GgufFile.of(MemorySegment.ofArray(bytes), "model")) {
      var ggufName = spec(name).ggufName();
      var tensor = requireNonNull(gguf.tensors().get(ggufName));
      int row = tensor.shape().length == 1 ? 0 : tensor.dtype().isQuantized() ? 3 : 2;
      int element = row * CONFIG.nEmbd() + (tensor.dtype().isQuantized() ? 0 : 3);
      put(bytes, gguf.data(ggufName).address() + tensor.dtype().byteSize(element), value);
    }
    Files.write(file, bytes);
    assertRefused(file, name, position);
  }

  @ParameterizedTest
  @CsvSource({
    "F32, ff800000",
    "F32, 7f800001",
    "F16, 7c01",
    "F16, fc00",
    "BF16, ff80",
    "BF16, 7f81",
  })
  void inFolders(DType type, String value) throws IOException {
    try (var model = Gpt2Model.random(CONFIG, Device.cpu(1), 1)) {
      Models.save(model, folder, ModelExport.builder().type(type).build());
    }
    var file = folder.resolve(HuggingFaceFolder.WEIGHTS);
    var bytes = Files.readAllBytes(file);
    var name = "h.0.attn.c_attn.weight";
    try (var tensors = SafetensorsFile.of(MemorySegment.ofArray(bytes), "model")) {
      // (in, out) in the file, as the message counts.
      int element = 2 * 3 * CONFIG.nEmbd() + 3;
      put(bytes, tensors.data("transformer." + name).address() + type.byteSize(element), value);
    }
    Files.write(file, bytes);
    assertRefused(folder, name, "[2, 3] of its shape [32, 96]");
  }

  @Test
  void theLargestNumbersAreFinite() throws IOException {
    var file = folder.resolve("model.gguf");
    try (var model = Gpt2Model.random(CONFIG, Device.cpu(1), 1)) {
      requireNonNull(model.tensors().get("h.0.ln_1.weight")).setFloats(filled(Float.MAX_VALUE));
      requireNonNull(model.tensors().get("h.0.ln_1.bias")).setFloats(filled(-Float.MAX_VALUE));
      Models.save(model, file, ModelExport.builder().type(DType.F32).name("test").build());
    }
    Models.load(file, Device.cpu(1)).close();
  }

  private static float[] filled(float value) {
    var values = new float[CONFIG.nEmbd()];
    Arrays.fill(values, value);
    return values;
  }

  private static WeightSpec spec(String name) {
    return WeightSpec.of(CONFIG).stream()
        .filter(s -> s.name().equals(name))
        .findAny()
        .orElseThrow();
  }

  /** Writes a number of 2 or 4 bytes, given as hexadecimal digits. */
  private static void put(byte[] file, long at, String digits) {
    int bits = Integer.parseUnsignedInt(digits, 16);
    var buffer = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
    if (digits.length() == 4) {
      buffer.putShort((int) at, (short) bits);
    } else {
      buffer.putInt((int) at, bits);
    }
  }

  private static void assertRefused(Path model, String name, String position) {
    assertThatThrownBy(() -> Models.load(model, Device.cpu(1)))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageStartingWith(model + ": " + name + " has a weight that is NaN or infinite")
        .hasMessageContaining(position)
        .hasMessageContaining("again");
  }
}
