package io.github.ggml4j.trainer.internal.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.ggml4j.model.Gpt2Config;
import io.github.ggml4j.model.Gpt2Model;
import io.github.ggml4j.model.Recompute;
import io.github.ggml4j.tensor.Device;
import io.github.ggml4j.tensor.MemoryEstimate.Part;
import io.github.ggml4j.trainer.optim.AdamW;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Recomputation changes the memory of a step, and nothing else. */
class RecomputeTest {
  private static final AdamW ADAMW = AdamW.learningRate(1e-3);
  private static final int BATCH = 3;
  private static final int LENGTH = 48;

  private static Gpt2Model model(String device, String activation) {
    var config =
        Gpt2Config.builder()
            .nLayer(3)
            .nHead(4)
            .nEmbd(64)
            .nPositions(64)
            .vocabSize(97)
            .activationFunction(activation)
            .build();
    return Gpt2Model.random(config, Device.open(device, 2), 1);
  }

  /** The loss and all gradients of a second batch, after an update by a first one. */
  private static Map<String, List<Float>> gradients(
      String device, String activation, float dropout, Recompute recompute) {
    var settings = new TrainingEngine.Settings(7, dropout, dropout, dropout).recompute(recompute);
    try (var model = model(device, activation);
        var engine = new TrainingEngine(model, ADAMW, settings)) {
      var tokens = new int[BATCH * LENGTH];
      Arrays.setAll(tokens, i -> i * i % 97);
      engine.accumulate(tokens, tokens, BATCH, LENGTH, 0.01f);
      engine.update(1, 1);
      double loss = engine.accumulate(tokens, tokens, BATCH, LENGTH, 0.01f);
      var all = new LinkedHashMap<String, List<Float>>();
      all.put("loss", List.of((float) loss));
      engine
          .gradients()
          .forEach((name, gradient) -> {
            var values = gradient.toFloats();
            all.put(name, Arrays.asList(box(values)));
          });
      return all;
    }
  }

  private static Float[] box(float[] values) {
    var boxed = new Float[values.length];
    Arrays.setAll(boxed, i -> values[i]);
    return boxed;
  }

  @ParameterizedTest
  @CsvSource({
    "cpu, gelu_new, 0.1",
    "cpu, gelu_new, 0",
    "cpu, mish, 0.1",
    "cpu-stock, gelu_new, 0.1",
    "cpu-stock, relu, 0",
  })
  void gradientsAreTheSameToTheLastBit(String device, String activation, float dropout) {
    var kept = gradients(device, activation, dropout, Recompute.NONE);
    assertThat(kept).hasSize(1 + 2 + 3 * 12 + 2);
    assertThat(kept.get("h.1.mlp.c_fc.weight")).anyMatch(value -> value != 0);
    for (var recompute : List.of(Recompute.ATTENTION, Recompute.BLOCK)) {
      var again = gradients(device, activation, dropout, recompute);
      kept.forEach((name, values) ->
          assertThat(again.get(name)).as("%s, %s", recompute, name).isEqualTo(values));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"cpu", "cpu-stock"})
  void recomputationTakesLessMemoryAsEstimated(String device) {
    long row = (long) BATCH * LENGTH * 64 * Float.BYTES; // tokens * nEmbd
    long none = activations(device, Recompute.NONE);
    assertThat(none - activations(device, Recompute.ATTENTION)).isGreaterThan(4 * row);
    assertThat(none - activations(device, Recompute.BLOCK)).isGreaterThan(12 * row);
  }

  /** Compares the estimate with the buffers of a step; returns the bytes of activations. */
  private static long activations(String device, Recompute recompute) {
    var settings = new TrainingEngine.Settings(7, 0.1f, 0.1f, 0.1f).recompute(recompute);
    try (var model = model(device, "gelu_new")) {
      var estimate = TrainingEngine.estimate(model, ADAMW, settings, BATCH, LENGTH);
      try (var engine = new TrainingEngine(model, ADAMW, settings)) {
        var tokens = new int[BATCH * LENGTH];
        engine.accumulate(tokens, tokens, BATCH, LENGTH, 1);
        engine.update(1, 1);
        assertThat(estimate.totalBytes() - estimate.bytes(Part.TEMPORARY))
            .as("%s", recompute)
            .isCloseTo(model.allocatedBytes() + engine.bytes(), Percentage.withPercentage(10));
      }
      return estimate.bytes(Part.ACTIVATIONS);
    }
  }
}
