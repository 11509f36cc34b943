package io.github.ggml4j.trainer.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.ggml4j.trainer.optim.ParameterVector.Run;
import io.github.ggml4j.trainer.optim.ParameterVector.Slice;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class OptimizerTest {

  @Test
  void adamWHasTheDefaultsOfTrainingArguments() {
    AdamW optimizer = AdamW.learningRate(3e-5);
    assertThat(optimizer).isEqualTo(new AdamW(3e-5, 0.9, 0.999, 1e-8, 0, false));
    assertThat(optimizer.betas(0.8, 0.95).eps(1e-8).weightDecay(0.1))
        .isEqualTo(new AdamW(3e-5, 0.8, 0.95, 1e-8, 0.1, false));
  }

  @Test
  void sgdHasPyTorchsDefaults() {
    Sgd optimizer = Sgd.learningRate(0.1);
    assertThat(optimizer).isEqualTo(new Sgd(0.1, 0, 0, 0, false));
    assertThat(optimizer.momentum(0.9).weightDecay(1e-4).nesterov(true))
        .isEqualTo(new Sgd(0.1, 0.9, 0, 1e-4, true));
    assertThat(optimizer.momentum(0.9).dampening(0.5)).isEqualTo(new Sgd(0.1, 0.9, 0.5, 0, false));
  }

  @ParameterizedTest
  @ValueSource(doubles = {-1, Double.NaN, Double.POSITIVE_INFINITY})
  void badRatesAreRefused(double rate) {
    assertThatThrownBy(() -> AdamW.learningRate(rate)).hasMessageContaining(String.valueOf(rate));
    assertThatThrownBy(() -> Sgd.learningRate(rate)).hasMessageContaining(String.valueOf(rate));
    assertThatThrownBy(() -> AdamW.learningRate(1).weightDecay(rate)).hasMessageContaining("Decay");
    assertThatThrownBy(() -> Sgd.learningRate(1).weightDecay(rate)).hasMessageContaining("Decay");
  }

  @ParameterizedTest
  @ValueSource(doubles = {-0.1, 1, Double.NaN})
  void badDecayRatesAreRefused(double beta) {
    AdamW adamW = AdamW.learningRate(1);
    assertThatThrownBy(() -> adamW.betas(beta, 0.9)).hasMessageContaining("beta1");
    assertThatThrownBy(() -> adamW.betas(0.9, beta)).hasMessageContaining("beta2");
    assertThatThrownBy(() -> Sgd.learningRate(1).momentum(beta)).hasMessageContaining("momentum");
  }

  @Test
  void epsOfZeroAndNesterovWithoutMomentumAreRefused() {
    assertThatThrownBy(() -> AdamW.learningRate(1).eps(0)).hasMessageContaining("eps");
    assertThatThrownBy(() -> Sgd.learningRate(1).nesterov(true)).hasMessageContaining("momentum");
    assertThatThrownBy(() -> Sgd.learningRate(1).dampening(1.5)).hasMessageContaining("1.5");
  }

  @Test
  void torchHasPyTorchsDefaults() {
    assertThat(AdamW.torch(1e-3)).isEqualTo(new AdamW(1e-3, 0.9, 0.999, 1e-8, 0.01, true));
  }

  private static final List<Slice> SLICES =
      List.of(
          new Slice("wte.weight", 0, 32, List.of(5L, 6L)),
          new Slice("h.0.attn.c_attn.weight", 32, 16, List.of(4L, 4L)),
          new Slice("h.0.mlp.c_fc.weight", 48, 16, List.of(4L, 4L)),
          new Slice("h.0.ln_1.weight", 64, 16, List.of(6L)));

  @Test
  void runsJoinSlicesThatFollowEachOther() {
    assertThat(ParameterVector.runs(SLICES)).containsExactly(new Run(0, 80));
    assertThat(ParameterVector.runs(List.of(SLICES.get(0), SLICES.get(2), SLICES.get(3))))
        .containsExactly(new Run(0, 32), new Run(48, 32));
  }

  @Test
  void groupsHaveTheirOwnState() {
    var groups =
        Sgd.learningRate(1).group("ln_", AdamW.learningRate(2)).group("^wte", Lion.learningRate(3));
    assertThat(groups.learningRate()).isEqualTo(1);
    assertThat(groups.state(SLICES))
        .containsExactly(
            StateSpec.f32("0.exp_avg", 16),
            StateSpec.f32("0.exp_avg_sq", 16),
            StateSpec.f32("1.exp_avg", 32));
  }

  @Test
  void patternsThatTakeNothingAreRefused() {
    var rest = AdamW.learningRate(1);
    assertThatThrownBy(() -> rest.group("h.7", rest).state(SLICES))
        .hasMessageContaining("pattern is h.7")
        .hasMessageContaining("h.0.ln_1.weight");
    assertThatThrownBy(() -> rest.group("^h", rest).group("mlp", rest).state(SLICES))
        .hasMessageContaining("pattern is mlp")
        .hasMessageContaining("Earlier groups");
    assertThatThrownBy(() -> rest.group("(", rest)).hasMessageContaining("pattern is (");
  }

  @Test
  void muonUpdatesMatricesOfBlocksOnly() {
    assertThatThrownBy(() -> Muon.learningRate(1).state(SLICES))
        .hasMessageContaining("h.0.ln_1.weight")
        .hasMessageContaining("Muon.others");
    assertThat(Muon.learningRate(1).others(Sgd.learningRate(1)).state(SLICES))
        .containsExactly(StateSpec.f32("0.momentum_buffer", 32));
  }

  @Test
  void adafactorsStateOfAMatrixIsOneNumberForEachRowAndColumn() {
    assertThat(Adafactor.learningRate(1).state(SLICES))
        .containsExactly(
            StateSpec.f32("exp_avg_sq_row", 13),
            StateSpec.f32("exp_avg_sq_col", 14),
            StateSpec.f32("exp_avg_sq", 6));
    assertThatThrownBy(() -> Adafactor.learningRate(1).decayRate(0))
        .hasMessageContaining("decayRate");
  }
}
