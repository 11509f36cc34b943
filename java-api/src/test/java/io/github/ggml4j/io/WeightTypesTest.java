package io.github.ggml4j.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.ggml4j.format.ModelFormatException;
import io.github.ggml4j.inference.InferenceSession;
import io.github.ggml4j.model.Gpt2Config;
import io.github.ggml4j.model.Gpt2Model;
import io.github.ggml4j.tensor.DType;
import io.github.ggml4j.tensor.Device;
import io.github.ggml4j.tensor.Quantizer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every type of weights that ggml can compute with: few rows, many rows, and widened for training.
 */
class WeightTypesTest {
  private static final Gpt2Config CONFIG =
      Gpt2Config.builder().vocabSize(300).nPositions(64).nEmbd(256).nLayer(1).nHead(4).build();

  /**
   * Before it quantizes to these, ggml fills tables for 6 and 8 s. {@link GgufTypesTest} computes
   * with them too, with rows that were quantized beforehand.
   */
  private static final Set<DType> SLOW_TO_PREPARE = EnumSet.of(DType.IQ2_S, DType.IQ1_M);

  static List<DType> types() {
    return Arrays.stream(DType.values()).filter(WeightTypesTest::writable).toList();
  }

  private static boolean writable(DType type) {
    return type == DType.F32
        || (Quantizer.writes(type)
            && !Quantizer.needsImportance(type)
            && !SLOW_TO_PREPARE.contains(type));
  }

  @Test
  void theUsualTypesAreAmongThem() {
    assertThat(types())
        .contains(DType.F16, DType.BF16, DType.Q4_0, DType.Q5_1, DType.Q8_0)
        .contains(DType.Q2_K, DType.Q3_K, DType.Q4_K, DType.Q5_K, DType.Q6_K, DType.IQ4_NL);
  }

  @ParameterizedTest
  @MethodSource("types")
  void fewAndManyRowsAgreeWithWidenedWeights(DType type, @TempDir Path folder) {
    var file = folder.resolve("model.gguf");
    try (var model = Gpt2Model.random(CONFIG, Device.cpu(1), 3)) {
      Models.save(model, file, ModelExport.builder().type(type).name("test").build());
    }
    var tokens = new Random(1).ints(40, 0, CONFIG.vocabSize()).toArray();
    try (var device = Device.cpu(1)) {
      if (!device.computes(type)) {
        assertThatThrownBy(() -> Models.load(file, Device.cpu(1)))
            .isInstanceOf(ModelFormatException.class);
        return;
      }
    }
    try (var model = Models.load(file, Device.cpu(1))) {
      var many = InferenceSession.logits(model, tokens);
      var few = InferenceSession.logits(model, Arrays.copyOf(tokens, 5));
      model.trainableWeights();
      var widened = InferenceSession.logits(model, tokens);
      // Many rows widen the weights and leave activations alone.
      assertThat(error(many, widened)).isLessThan(1e-4);
      // Few rows round activations to 8 bits where weights are quantized.
      assertThat(error(few, widened)).isLessThan(type.isQuantized() ? 0.05 : 1e-4);
    }
  }

  /** The distance of two results, as a part of the norm of the second. */
  static double error(float[][] actual, float[][] expected) {
    double difference = 0;
    double norm = 0;
    for (int t = 0; t < actual.length; t++) {
      for (int v = 0; v < actual[t].length; v++) {
        difference += Math.pow((double) actual[t][v] - expected[t][v], 2);
        norm += Math.pow(expected[t][v], 2);
      }
    }
    return Math.sqrt(difference / norm);
  }

  @Test
  void typesThatAreNoWeightsAreRefused(@TempDir Path folder) {
    try (var model = Gpt2Model.random(CONFIG, Device.cpu(1), 3)) {
      assertThatThrownBy(() ->
              Models.save(
                  model,
                  folder.resolve("x.gguf"),
                  ModelExport.builder().type(DType.I32).name("x").build()))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("I32");
      assertThatThrownBy(() ->
              Models.save(
                  model,
                  folder.resolve("x.gguf"),
                  ModelExport.builder().type(DType.IQ2_XXS).name("x").build()))
          .hasMessageContaining("importance matrix");
      assertThatThrownBy(() ->
              Models.save(
                  model, folder.resolve("f"), ModelExport.builder().type(DType.Q8_0).build()))
          .hasMessageContaining("Q8_0");
      assertThat(folder).isEmptyDirectory();
    }
  }
}
