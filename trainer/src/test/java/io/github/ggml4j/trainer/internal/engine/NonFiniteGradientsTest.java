package io.github.ggml4j.trainer.internal.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.ggml4j.model.Gpt2Config;
import io.github.ggml4j.model.Gpt2Model;
import io.github.ggml4j.testing.TestDevice;
import io.github.ggml4j.trainer.optim.AdamW;
import io.github.ggml4j.trainer.optim.Optimizer;
import io.github.ggml4j.trainer.optim.Sgd;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** A step whose gradients overflow must not change the weights or the optimizer's state. */
@Tag(TestDevice.TAG)
class NonFiniteGradientsTest {
  private static final int[] TOKENS = {1, 2, 3, 4, 5, 6, 7, 8};

  static Stream<Arguments> cases() {
    return TestDevice.all().stream()
        .flatMap(device -> Stream.of("adamw", "sgd").map(rule -> Arguments.of(device, rule)));
  }

  @ParameterizedTest
  @MethodSource("cases")
  void changeNothing(TestDevice device, String optimizer) {
    assertThat(train(device, optimizer, true)).isEqualTo(train(device, optimizer, false));
  }

  /** The losses of three steps; optionally with an overflowing step after the second. */
  private static List<Double> train(TestDevice device, String optimizer, boolean overflow) {
    Optimizer rule =
        optimizer.equals("sgd")
            ? Sgd.learningRate(1e-3).momentum(0.9)
            : AdamW.learningRate(1e-3).eps(1e-6);
    var config =
        Gpt2Config.builder().nLayer(2).nHead(2).nEmbd(16).nPositions(8).vocabSize(31).build();
    try (var model = Gpt2Model.random(config, device.open(), 5);
        var engine = new TrainingEngine(model, rule, new TrainingEngine.Settings(1, 0, 0, 0))) {
      double first = step(engine, 1f / 7);
      assertThat(engine.update(100, 1)).isPositive().isFinite();
      if (overflow) {
        step(engine, Float.POSITIVE_INFINITY);
        assertThat(Float.isFinite(engine.update(100, 1))).isFalse();
      }
      double second = step(engine, 1f / 7);
      assertThat(engine.update(100, 1)).isPositive().isFinite();
      double third = step(engine, 1f / 7);
      assertThat(third).isLessThan(first);
      return List.of(first, second, third);
    }
  }

  private static double step(TrainingEngine engine, float scale) {
    return engine.accumulate(TOKENS, TOKENS, 1, TOKENS.length, scale);
  }
}
