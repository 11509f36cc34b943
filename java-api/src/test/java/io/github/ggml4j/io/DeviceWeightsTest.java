package io.github.ggml4j.io;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.ggml4j.inference.InferenceSession;
import io.github.ggml4j.model.Gpt2Config;
import io.github.ggml4j.model.Gpt2Model;
import io.github.ggml4j.quantization.Quantization;
import io.github.ggml4j.tensor.Device;
import io.github.ggml4j.testing.TestDevice;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Weights of every common type on a device against the same file on the CPU. */
@Tag(TestDevice.TAG)
class DeviceWeightsTest {
  /** Rows of whole blocks of 256, so that Q4_K_M is what it says. */
  private static final Gpt2Config CONFIG =
      Gpt2Config.builder().vocabSize(300).nPositions(64).nEmbd(256).nLayer(3).nHead(4).build();

  private static final int[] TOKENS = new Random(1).ints(40, 0, 300).toArray();

  static Stream<Arguments> typesAndDevices() {
    return Stream.of(
            Quantization.F32,
            Quantization.F16,
            Quantization.BF16,
            Quantization.Q8_0,
            Quantization.Q4_0,
            Quantization.Q4_K_M)
        .flatMap(type -> TestDevice.all().stream().map(device -> Arguments.of(type, device)));
  }

  /**
   * Quantized weights are multiplied with activations of 8 bits, of which the largest of a block is
   * about 2.5 times the usual one: an error of 2.5 / 127 / sqrt(12) = 0.6 percent of each product,
   * and of 1 to 2 percent of the logits of a few layers of random weights. The CPU keeps
   * activations whole where it multiplies many rows, so nothing of that cancels out.
   */
  private static final double EIGHT_BITS = 3e-2;

  /** Trained weights: what logits have in common is large. */
  private static final double TRAINED = 1e-2;

  /** Of the norm of the logits. */
  private static double bound(Quantization type, TestDevice device) {
    if (type == Quantization.F32) {
      return device.arithmetic().values(1e-5);
    }
    return type.isFloat() ? 1e-2 : EIGHT_BITS;
  }

  @ParameterizedTest
  @MethodSource("typesAndDevices")
  void logitsAreTheCpus(Quantization type, TestDevice device, @TempDir Path folder) {
    var file = folder.resolve("model.gguf");
    try (var model = Gpt2Model.random(CONFIG, Device.cpu(1), 3)) {
      Models.save(model, file, ModelExport.builder().quantization(type).build());
    }
    compare(file, device, TOKENS, bound(type, device), type);
  }

  static Stream<Arguments> quantizedAndDevices() {
    return Stream.of(Quantization.Q8_0, Quantization.Q4_K_M)
        .flatMap(type -> TestDevice.all().stream().map(device -> Arguments.of(type, device)));
  }

  @ParameterizedTest
  @MethodSource("quantizedAndDevices")
  void logitsOfATrainedModelAreTheCpus(Quantization type, TestDevice device, @TempDir Path folder) {
    var file = folder.resolve("model.gguf");
    int[] text;
    try (var files = ModelFiles.open(ModelFiles.BUNDLED);
        var model = Models.load(files, Device.cpu(1))) {
      text = files.tokenizer().encode("It was the best of times, it was the worst of times");
      model.trainableWeights(); // F32, from which they are quantized
      Models.save(model, file, ModelExport.builder().quantization(type).build());
    }
    compare(file, device, text, TRAINED, type);
  }

  private static void compare(
      Path file, TestDevice device, int[] tokens, double bound, Quantization type) {
    try (var cpu = Models.load(file, Device.cpu(1));
        var model = Models.load(file, device.open())) {
      assertThat(
              WeightTypesTest.error(
                  InferenceSession.logits(model, tokens), InferenceSession.logits(cpu, tokens)))
          .as("prompt of %d tokens, %s", tokens.length, type)
          .isLessThan(bound);
      assertThat(WeightTypesTest.error(decode(model, tokens), decode(cpu, tokens)))
          .as("token by token, %s", type)
          .isLessThan(bound);
      var few = Arrays.copyOf(tokens, 6);
      assertThat(
              WeightTypesTest.error(
                  InferenceSession.logits(model, few), InferenceSession.logits(cpu, few)))
          .as("prompt of 6 tokens, %s", type)
          .isLessThan(bound);
    }
  }

  private static float[][] decode(Gpt2Model model, int[] tokens) {
    List<float[]> rows = new ArrayList<>();
    try (var session = InferenceSession.open(model)) {
      var sequence = new int[] {session.newSequence()};
      for (int i = 0; i < 10; i++) {
        session.step(sequence, new int[][] {{tokens[i]}});
        var row = new float[session.vocabSize()];
        session.logits(0, row);
        rows.add(row);
      }
    }
    return rows.toArray(float[][]::new);
  }
}
