package io.github.ggml4j.inference;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.ggml4j.model.Gpt2Config;
import io.github.ggml4j.model.Gpt2Model;
import io.github.ggml4j.testing.TestDevice;
import java.lang.foreign.Arena;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

@Tag(TestDevice.TAG)
@ParameterizedClass
@MethodSource("devices")
class ScoringSessionTest {
  private static final int[] ONE = {5, 9, 2, 7, 1, 3, 8, 4};
  private static final int[] TWO = {11, 0, 96, 42, 7, 7, 7, 1};

  private final Gpt2Model model;
  private final TestDevice device;

  ScoringSessionTest(TestDevice device) {
    this.device = device;
    this.model = load(device);
  }

  static List<TestDevice> devices() {
    return TestDevice.all();
  }

  private static Gpt2Model load(TestDevice device) {
    var config =
        Gpt2Config.builder()
            .vocabSize(97)
            .nEmbd(16)
            .nLayer(2)
            .nHead(2)
            .nPositions(12)
            .initializerRange(0.5)
            .build();
    return Gpt2Model.random(config, device.open(), 3);
  }

  @AfterEach
  void close() {
    model.close();
  }

  private static double loss(float[] logits, int label) {
    double sum = 0;
    for (float logit : logits) {
      sum += Math.exp(logit);
    }
    return Math.log(sum) - logits[label];
  }

  @Test
  void lossesAgreeWithLogits() {
    double tolerance = device.arithmetic().values(1e-4);
    var losses = ScoringSession.negativeLogLikelihoods(model, ONE);
    var logits = InferenceSession.logits(model, ONE);
    assertThat(losses).hasSize(ONE.length - 1);
    for (int i = 0; i < losses.length; i++) {
      double expected = loss(logits[i], ONE[i + 1]);
      assertThat((double) losses[i]).isCloseTo(expected, within(tolerance * Math.max(1, expected)));
    }
  }

  @Test
  void scoresSeveralSequencesFromAPosition() {
    try (var session = ScoringSession.open(model);
        var arena = Arena.ofConfined()) {
      session.read(new int[][] {ONE, TWO}, 4);
      assertThat(session.rows()).isEqualTo(6);
      assertThat(session.labels()).containsExactly(3, 8, 4, 7, 7, 1);
      var losses = session.losses();
      var out = arena.allocate(4L * 2 * 97, 4);
      session.logits(3, 2, out);
      for (int b = 0; b < 2; b++) {
        var expected = ScoringSession.negativeLogLikelihoods(model, b == 0 ? ONE : TWO);
        for (int i = 0; i < 3; i++) {
          assertThat(losses[b * 3 + i])
              .isCloseTo(expected[4 + i], within((float) device.arithmetic().values(1e-4)));
        }
      }
      var logits = InferenceSession.logits(model, TWO);
      for (int row = 0; row < 2; row++) {
        for (int v = 0; v < 97; v++) {
          float actual = out.getAtIndex(JAVA_FLOAT, row * 97 + v);
          assertThat(actual)
              .isCloseTo(logits[4 + row][v], within((float) device.arithmetic().values(1e-4)));
        }
      }
    }
  }

  @Test
  void newWeightsAreUsed() {
    try (var session = ScoringSession.open(model)) {
      session.read(new int[][] {ONE}, 0);
      var before = session.losses();
      var weights = model.trainableWeights();
      var values = weights.toFloats();
      for (int i = 0; i < values.length; i++) {
        values[i] *= 1.1f;
      }
      weights.setFloats(values);
      session.read(new int[][] {ONE}, 0);
      assertThat(session.losses()).isNotEqualTo(before);
    }
  }

  @Test
  void misuseIsAnError() {
    try (var session = ScoringSession.open(model);
        var arena = Arena.ofConfined()) {
      assertThatThrownBy(session::losses).hasMessageContaining("call read() first");
      assertThatThrownBy(() -> session.read(new int[][] {}, 0))
          .hasMessageContaining("sequences is 0, expected at least 1");
      assertThatThrownBy(() -> session.read(new int[][] {{1}}, 0)).hasMessageContaining("2 to");
      assertThatThrownBy(() -> session.read(new int[][] {new int[13]}, 0))
          .hasMessageContaining("n_positions = 12");
      assertThatThrownBy(() -> session.read(new int[][] {ONE, {1, 2}}, 0))
          .hasMessageContaining("length of sequences[1] is 2, expected 8");
      assertThatThrownBy(() -> session.read(new int[][] {{1, 97}}, 0)).hasMessageContaining("97");
      assertThatThrownBy(() -> session.read(new int[][] {ONE}, 7)).hasMessageContaining("0 to 6");
      session.read(new int[][] {ONE}, 5);
      assertThatThrownBy(() -> session.logits(1, 2, arena.allocate(4L * 2 * 97, 4)))
          .isInstanceOf(IndexOutOfBoundsException.class);
      assertThatThrownBy(() -> session.logits(0, 2, arena.allocate(8, 4)))
          .hasMessageContaining("size of out in bytes is 8");
      assertThatThrownBy(model::close).hasMessageContaining("in use by 1 scoring session");
    }
  }
}
