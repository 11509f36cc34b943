package io.github.ggml4j.trainer.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

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
}
