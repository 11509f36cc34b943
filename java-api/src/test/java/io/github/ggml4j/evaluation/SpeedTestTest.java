package io.github.ggml4j.evaluation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.ggml4j.model.Gpt2Config;
import io.github.ggml4j.model.Gpt2Model;
import io.github.ggml4j.quantization.Quantization;
import io.github.ggml4j.tensor.Device;
import io.github.ggml4j.tensor.DeviceInfo;
import io.github.ggml4j.tokenizer.Tokenizer;
import java.util.List;
import java.util.concurrent.CancellationException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class SpeedTestTest {
  private static Gpt2Model model;

  @BeforeAll
  static void load() {
    var config = Gpt2Config.builder().nEmbd(32).nLayer(1).nHead(2).nPositions(64).build();
    model = Gpt2Model.random(config, Device.cpu(1), 1);
  }

  @AfterAll
  static void close() {
    model.close();
  }

  @Test
  void runsAreCountedAndTokensAreThoseOfAllSequences() {
    var test = SpeedTest.of(model).newTokens(4).sequences(3).runs(2).checkResults();
    assertThat(test.prompt().tokens()).isEqualTo(64);
    assertThat(test.decode().tokens()).isEqualTo(4);
    assertThat(test.batch().tokens()).isEqualTo(12);
    assertThat(test.batch().seconds()).hasSize(2).allMatch(s -> s > 0);
    assertThat(test.decode().freeMemory()).isPositive();
  }

  @Test
  void theMiddleRunCounts() {
    var speed = new Speed("prompt", 10, List.of(1.0, 5.0, 2.0), 0);
    assertThat(speed.tokensPerSecond()).isEqualTo(5);
    assertThat(speed.min()).isEqualTo(2);
    assertThat(speed.max()).isEqualTo(10);
    assertThat(speed.runs()).containsExactly(10.0, 2.0, 5.0);
  }

  @Test
  void valuesOutOfRangeAreRefused() {
    var test = SpeedTest.of(model);
    assertThatThrownBy(() -> test.runs(0)).hasMessageContaining("runs is 0");
    assertThatThrownBy(() -> test.promptLength(65)).hasMessageContaining("1 to 64");
    assertThatThrownBy(() -> test.newTokens(64)).hasMessageContaining("1 to 63");
  }

  @Test
  void anInterruptEndsIt() {
    Thread.currentThread().interrupt();
    assertThatThrownBy(() -> SpeedTest.of(model).newTokens(2).decode())
        .isInstanceOf(CancellationException.class);
    assertThat(Thread.interrupted()).isTrue();
  }

  @Test
  void typesBySizeSpeedAndLoss() {
    var text = "It was the best of times, it was the worst of times. ".repeat(12);
    var reports =
        TypeComparison.of(model, Tokenizer.gpt2())
            .divergence(kl -> kl.maxWindows(1))
            .evaluate(text, List.of(Quantization.F32, Quantization.F16, Quantization.Q8_0));
    assertThat(reports)
        .extracting(TypeReport::type)
        .containsExactly(Quantization.F32, Quantization.F16, Quantization.Q8_0);
    assertThat(reports).isSortedAccordingTo((a, b) -> Long.compare(b.bytes(), a.bytes()));
    assertThat(reports.getFirst().loss().divergence().value()).isLessThan(1e-9);
    assertThat(reports.get(1).loss().divergence().value())
        .isLessThan(reports.get(2).loss().divergence().value());
    assertThat(reports).allMatch(report -> report.decode().tokensPerSecond() > 0);
    assertThatThrownBy(
            () -> TypeComparison.of(model, Tokenizer.gpt2()).evaluate("short", Quantization.F16))
        .hasMessageContaining("at least 2 * 64");
  }

  @Test
  void theCpuIsListed() {
    assertThat(Device.list())
        .filteredOn(device -> device.kind() == DeviceInfo.Kind.CPU)
        .singleElement()
        .satisfies(device -> {
          assertThat(device.name()).isEqualTo("cpu");
          assertThat(device.totalMemory()).isPositive();
        });
  }
}
