package io.github.ggml4j.trainer.internal.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.ggml4j.inference.InferenceSession;
import io.github.ggml4j.io.ModelExport;
import io.github.ggml4j.io.Models;
import io.github.ggml4j.model.Gpt2Config;
import io.github.ggml4j.model.Gpt2Model;
import io.github.ggml4j.tensor.DType;
import io.github.ggml4j.tensor.Device;
import io.github.ggml4j.testing.TestDevice;
import io.github.ggml4j.trainer.optim.AdamW;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A model trained on one device continues training, and generates, on another. */
@Tag(TestDevice.TAG)
class DeviceExchangeTest {
  private static final Gpt2Config CONFIG =
      Gpt2Config.builder().vocabSize(97).nPositions(32).nEmbd(48).nLayer(2).nHead(3).build();
  private static final int STEPS = 6;
  private static final int[] TOKENS = new Random(3).ints(4 * 20, 0, 97).toArray();

  static List<TestDevice> devices() {
    return TestDevice.all();
  }

  @ParameterizedTest
  @MethodSource("devices")
  void trainedHereContinuedOnTheCpu(TestDevice device, @TempDir Path folder) {
    exchange(device.open(), Device.cpu(1), device, folder);
  }

  @ParameterizedTest
  @MethodSource("devices")
  void trainedOnTheCpuContinuedHere(TestDevice device, @TempDir Path folder) {
    exchange(Device.cpu(1), device.open(), device, folder);
  }

  private static void exchange(Device first, Device second, TestDevice device, Path folder) {
    var expected = new ArrayList<Double>();
    try (var model = Gpt2Model.random(CONFIG, Device.cpu(1), 5)) {
      expected.addAll(train(model));
      expected.addAll(train(model));
    }
    var actual = new ArrayList<Double>();
    var saved = folder.resolve("model");
    float[][] logits;
    try (var model = Gpt2Model.random(CONFIG, first, 5)) {
      actual.addAll(train(model));
      logits = InferenceSession.logits(model, 1, 2, 3);
      Models.save(model, saved, ModelExport.builder().type(DType.F32).build());
    }
    try (var model = Models.load(saved, second)) {
      var again = InferenceSession.logits(model, 1, 2, 3);
      double bound = device.arithmetic().values(1e-4);
      for (int t = 0; t < logits.length; t++) {
        for (int v = 0; v < logits[t].length; v++) {
          double allowed = bound * Math.max(1, Math.abs(logits[t][v]));
          assertThat((double) again[t][v]).isCloseTo(logits[t][v], within(allowed));
        }
      }
      actual.addAll(train(model));
    }
    double bound = device.arithmetic().losses(1e-4);
    for (int i = 0; i < expected.size(); i++) {
      assertThat(actual.get(i))
          .as("loss of step %d", i)
          .isCloseTo(expected.get(i), within(bound * expected.get(i)));
    }
    assertThat(actual.getLast()).isLessThan(0.9 * actual.getFirst());
  }

  /** The losses of a few steps on one batch. */
  private static List<Double> train(Gpt2Model model) {
    var losses = new ArrayList<Double>();
    var rule = AdamW.learningRate(1e-3).eps(1e-8).weightDecay(0.01).decayVectors(true);
    try (var engine = new TrainingEngine(model, rule, new TrainingEngine.Settings(1, 0, 0, 0))) {
      for (int i = 0; i < STEPS; i++) {
        losses.add(engine.accumulate(TOKENS, TOKENS, 4, 20, 1f / (4 * 19)) / (4 * 19));
        engine.update(3, 1);
      }
    }
    return losses;
  }
}
