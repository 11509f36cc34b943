package io.github.ggml4j.trainer.schedule;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.util.OptionalLong;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Schedules against transformers' numbers; {@code make_golden_schedules.py} wrote them. */
class ScheduleTest {
  private static final Path GOLDEN = Path.of("src/test/resources/golden/schedules.json");

  static Stream<JsonNode> cases() {
    return StreamSupport.stream(
        JsonMapper.shared().readTree(GOLDEN.toFile()).get("cases").spliterator(), false);
  }

  @ParameterizedTest
  @MethodSource("cases")
  void equalsTransformers(JsonNode golden) {
    long warmup = golden.get("warmup").asLong();
    Schedule schedule =
        switch (golden.get("name").asString()) {
          case "constant" -> ConstantWarmup.steps(warmup);
          case "linear" -> LinearWarmup.steps(warmup);
          case "cosine" -> CosineWarmup.steps(warmup);
          default -> throw new IllegalStateException("unknown schedule in " + GOLDEN);
        };
    OptionalLong total = OptionalLong.of(golden.get("total").asLong());
    JsonNode factors = golden.get("factors");
    for (int step = 0; step < factors.size(); step++) {
      assertThat(schedule.factor(step, total))
          .as("%s, step %d", schedule, step)
          .isCloseTo(factors.get(step).asDouble(), within(1e-12));
    }
  }

  @Test
  void linearWarmupStaysConstantWhenTheTotalIsUnknown() {
    Schedule schedule = LinearWarmup.steps(4);
    double[] factors = new double[7];
    for (int step = 0; step < factors.length; step++) {
      factors[step] = schedule.factor(step, OptionalLong.empty());
    }
    assertThat(factors).containsExactly(0, 0.25, 0.5, 0.75, 1, 1, 1);
  }

  @Test
  void cosineNeedsTheTotal() {
    assertThatThrownBy(() -> CosineWarmup.steps(4).factor(0, OptionalLong.empty()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("maxSteps");
  }

  @Test
  void constantIsOne() {
    assertThat(Schedule.constant().factor(0, OptionalLong.empty())).isEqualTo(1);
    assertThat(Schedule.constant().factor(1_000_000, OptionalLong.of(10))).isEqualTo(1);
    assertThat(Schedule.constant()).hasToString("Constant");
  }

  @Test
  void negativeStepsAreRefused() {
    assertThatThrownBy(() -> LinearWarmup.steps(-1)).hasMessageContaining("-1");
    assertThatThrownBy(() -> ConstantWarmup.steps(-2)).hasMessageContaining("-2");
    assertThatThrownBy(() -> CosineWarmup.steps(-3)).hasMessageContaining("-3");
  }
}
