package io.github.ggml4j.trainer.schedule;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalLong;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
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
    Schedule schedule =
        Schedules.named(
            golden.get("name").asString(),
            rate(),
            Warmup.steps(golden.get("warmup").asLong()),
            arguments(golden));
    OptionalLong total = OptionalLong.of(golden.get("total").asLong());
    JsonNode factors = golden.get("factors");
    assertThat(factors.size()).isPositive();
    for (int step = 0; step < factors.size(); step++) {
      assertThat(schedule.factor(step, total))
          .as("%s, step %d", schedule, step)
          .isCloseTo(factors.get(step).asDouble(), within(1e-12));
    }
  }

  private static double rate() {
    return JsonMapper.shared().readTree(GOLDEN.toFile()).get("learning_rate").asDouble();
  }

  private static Map<String, String> arguments(JsonNode golden) {
    var arguments = new LinkedHashMap<String, String>();
    golden
        .get("arguments")
        .properties()
        .forEach(entry -> arguments.put(entry.getKey(), entry.getValue().asString()));
    return arguments;
  }

  static Stream<JsonNode> plateaus() {
    return StreamSupport.stream(
        JsonMapper.shared().readTree(GOLDEN.toFile()).get("plateaus").spliterator(), false);
  }

  /** Also saves and restores the state before each metric. */
  @ParameterizedTest
  @MethodSource("plateaus")
  void reduceOnPlateauEqualsPyTorch(JsonNode golden) {
    var first =
        (StatefulSchedule)
            Schedules.named("reduce_lr_on_plateau", rate(), Warmup.NONE, arguments(golden));
    var metrics = JsonMapper.shared().readTree(GOLDEN.toFile()).get("metrics");
    assertThat(first.factor(0, OptionalLong.empty())).isEqualTo(1);
    StatefulSchedule schedule = first;
    for (int i = 0; i < metrics.size(); i++) {
      var metric = metrics.get(i);
      schedule =
          first
              .withState(schedule.state())
              .evaluated(metric.isNumber() ? metric.asDouble() : Double.NaN);
      assertThat(schedule.factor(i, OptionalLong.empty()))
          .as("%s after metric %d", first, i)
          .isCloseTo(golden.get("factors").get(i).asDouble(), within(1e-12));
    }
    assertThat(first.factor(0, OptionalLong.empty())).isEqualTo(1);
  }

  @Test
  void theGoldenFileHasAllNames() {
    var names =
        Stream.concat(
            cases().map(golden -> golden.get("name").asString()),
            Stream.of("reduce_lr_on_plateau"));
    assertThat(names.distinct()).containsExactlyInAnyOrderElementsOf(Schedules.names());
  }

  @ParameterizedTest
  @CsvSource({"linear, 0.5", "inverse_sqrt, 0.5", "constant_with_warmup, 1"})
  void withAnUnknownTotalTheWarmupIsTheSame(String name, double atStepTwo) {
    Schedule schedule = Schedules.named(name, 1, Warmup.steps(name.startsWith("co") ? 2 : 4));
    assertThat(schedule.factor(2, OptionalLong.empty())).isEqualTo(atStepTwo);
  }

  @Test
  void linearWarmupStaysConstantWhenTheTotalIsUnknown() {
    assertThat(factors(LinearWarmup.steps(4), OptionalLong.empty()))
        .containsExactly(0, 0.25, 0.5, 0.75, 1, 1, 1);
  }

  @Test
  void stableDecayStaysStableWhenTheTotalIsUnknown() {
    var schedule = WarmupStableDecay.decaySteps(2).warmup(Warmup.steps(4));
    assertThat(factors(schedule, OptionalLong.empty()))
        .containsExactly(0, 0.25, 0.5, 0.75, 1, 1, 1);
    assertThat(factors(schedule.stableSteps(1), OptionalLong.empty()))
        .containsExactly(0, 0.25, 0.5, 0.75, 1, 1, 0.5);
  }

  private static double[] factors(Schedule schedule, OptionalLong total) {
    double[] factors = new double[7];
    for (int step = 0; step < factors.length; step++) {
      factors[step] = schedule.factor(step, total);
    }
    return factors;
  }

  static Stream<Schedule> withTotal() {
    return Stream.of(
        CosineWarmup.steps(4),
        CosineWithRestarts.steps(4),
        CosineWithMinLr.minLrRate(0.1),
        Polynomial.learningRate(1),
        LinearWarmup.ratio(0.1),
        ConstantWarmup.ratio(0.1));
  }

  @ParameterizedTest
  @MethodSource("withTotal")
  void schedulesThatNeedTheTotalSayWhatToDo(Schedule schedule) {
    assertThatThrownBy(() -> schedule.factor(0, OptionalLong.empty()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("maxSteps");
    assertThat(schedule.usesTotalSteps()).isTrue();
  }

  @Test
  void aRatioIsRoundedUp() {
    var warmup = Warmup.ratio(0.1);
    assertThat(warmup.steps(OptionalLong.of(100))).isEqualTo(10);
    assertThat(warmup.steps(OptionalLong.of(101))).isEqualTo(11);
    assertThat(warmup).hasToString("ratio 0.1");
    assertThat(LinearWarmup.ratio(0.5).factor(5, OptionalLong.of(20))).isEqualTo(0.5);
    assertThatThrownBy(() -> Warmup.ratio(1.5)).hasMessageContaining("warmupRatio is 1.5");
  }

  @Test
  void argumentsThatDoNotFitAreRefused() {
    refused("constant", Warmup.steps(3), Map.of(), "constant_with_warmup", "3 steps");
    refused("reduce_lr_on_plateau", Warmup.ratio(0.1), Map.of(), "ratio 0.1");
    refused("linear", Warmup.NONE, Map.of("num_cycles", "2"), "num_cycles", "no arguments");
    refused("cosine", Warmup.NONE, Map.of("power", "2"), "power", "one of num_cycles");
    refused("cosine", Warmup.NONE, Map.of("num_cycles", "two"), "num_cycles=two", "a number");
    refused("cosine_with_restarts", Warmup.NONE, Map.of("num_cycles", "1.5"), "an integer");
    refused("cosine_with_min_lr", Warmup.NONE, Map.of(), "one of min_lr and min_lr_rate");
    refused(
        "cosine_with_min_lr",
        Warmup.NONE,
        Map.of("min_lr", "1e-6", "min_lr_rate", "0.1"),
        "only one of min_lr and min_lr_rate");
    refused("polynomial", Warmup.NONE, Map.of("lr_end", "1e-3"), "lr_end=0.001", "learningRate");
    refused("warmup_stable_decay", Warmup.NONE, Map.of(), "num_decay_steps");
    refused(
        "warmup_stable_decay",
        Warmup.NONE,
        Map.of("num_decay_steps", "2", "decay_type", "sqrt"),
        "decay_type=sqrt",
        "1-sqrt");
    refused("reduce_lr_on_plateau", Warmup.NONE, Map.of("mode", "best"), "mode=best", "min or max");
    refused("sine", Warmup.NONE, Map.of(), "schedule is sine", "linear, cosine, ");
  }

  private static void refused(
      String name, Warmup warmup, Map<String, String> arguments, String... texts) {
    assertThatThrownBy(() -> Schedules.named(name, 5e-5, warmup, arguments))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll(texts);
  }

  @Test
  void aScheduleForAnotherRateIsRefused() {
    var schedule = Polynomial.learningRate(5e-5);
    schedule.checkLearningRate(5e-5);
    assertThatThrownBy(() -> schedule.checkLearningRate(1e-3)).hasMessageContaining("0.001");
    assertThatThrownBy(() -> ReduceOnPlateau.learningRate(1).checkLearningRate(2))
        .hasMessageContaining("2.0");
    LinearWarmup.steps(1).checkLearningRate(3);
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
