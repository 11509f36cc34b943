package io.github.ggml4j.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.ggml4j.error.InvalidArgumentException;
import io.github.ggml4j.model.Gpt2Config;
import io.github.ggml4j.model.Gpt2Model;
import io.github.ggml4j.quantization.Quantization;
import io.github.ggml4j.tensor.Device;
import io.github.ggml4j.tensor.MemoryEstimate.Part;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Estimates of memory from a configuration, without a model. */
class ConfigMemoryTest {
  private static final Gpt2Config CONFIG =
      Gpt2Config.builder().vocabSize(500).nPositions(128).nEmbd(64).nLayer(3).nHead(4).build();

  @ParameterizedTest
  @ValueSource(strings = {"cpu", "cpu-stock"})
  void agreesWithTheEstimateOfTheModel(String device) {
    try (var model = Gpt2Model.random(CONFIG, Device.open(device, 1), 1)) {
      var loaded = InferenceSession.estimateMemory(model, 3, 20, 60);
      var planned = InferenceSession.estimateMemory(CONFIG, Map.of(), model.device(), 3, 20, 60);
      for (var part : new Part[] {Part.KV_CACHE, Part.ACTIVATIONS, Part.LOGITS, Part.TEMPORARY}) {
        assertThat(planned.bytes(part)).as("%s", part).isEqualTo(loaded.bytes(part));
      }
      // The weights of a new model are one vector with gaps of less than 16 elements.
      long gaps = 64L * model.tensors().size();
      assertThat(planned.bytes(Part.PARAMETERS))
          .isCloseTo(loaded.bytes(Part.PARAMETERS), within(gaps));
    }
  }

  @Test
  void gpt2XlIsEstimatedWithoutItsWeights() {
    var config = Gpt2Config.gpt2Xl();
    try (var device = Device.cpu(1)) {
      var full = InferenceSession.estimateMemory(config, Map.of(), device, 1, 10, 100);
      assertThat(full.bytes(Part.PARAMETERS)).isBetween(6_230_000_000L, 6_231_000_000L);
      var types = Quantization.Q8_0.types(config, false);
      var quantized = InferenceSession.estimateMemory(config, types, device, 1, 10, 100);
      assertThat(quantized.bytes(Part.PARAMETERS)).isBetween(1_650_000_000L, 1_670_000_000L);
    }
  }

  @Test
  void argumentsOutOfRangeAreErrors() {
    try (var device = Device.cpu(1)) {
      assertThatThrownBy(() -> InferenceSession.estimateMemory(CONFIG, Map.of(), device, 0, 10, 20))
          .isInstanceOf(InvalidArgumentException.class)
          .hasMessageContaining("sequences is 0");
      assertThatThrownBy(
              () -> InferenceSession.estimateMemory(CONFIG, Map.of(), device, 1, 10, 129))
          .isInstanceOf(InvalidArgumentException.class)
          .hasMessage("length is 129, expected promptLength = 10 to n_positions = 128");
    }
  }
}
