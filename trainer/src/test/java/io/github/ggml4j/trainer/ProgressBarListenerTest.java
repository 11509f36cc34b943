package io.github.ggml4j.trainer;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.ggml4j.tensor.Device;
import io.github.ggml4j.tensor.MemoryEstimate;
import io.github.ggml4j.trainer.schedule.Schedule;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ProgressBarListenerTest {

  private static String draw(boolean cancelled) {
    var bytes = new ByteArrayOutputStream();
    var bar = new ProgressBarListener(new PrintStream(bytes, true, StandardCharsets.UTF_8));
    var memory = new MemoryEstimate("a training", Device.cpu(1), Map.of(), List.of(), 0);
    var control = new TrainerControl(new TrainerState(Schedule.constant()));
    bar.onTrainBegin(
        new TrainingPlan(OptionalDouble.of(1), OptionalLong.of(2), OptionalLong.of(2), 0, memory),
        control);
    bar.onStepEnd(new StepMetrics(1, 0.5, 3.25, 1e-4, 1, 100, 1000), control);
    bar.onStepEnd(new StepMetrics(2, 1, 3.25, 1e-4, 1, 100, 1000), control);
    bar.onTrainEnd(
        new TrainingResult(
            2,
            1,
            3,
            2,
            2.5,
            200,
            Duration.ofSeconds(5),
            cancelled ? EndReason.CANCELLED : EndReason.EPOCHS,
            OptionalLong.empty(),
            OptionalDouble.empty(),
            List.of(),
            List.of(),
            Optional.of(Path.of("out")),
            Optional.empty()));
    return bytes.toString(StandardCharsets.UTF_8);
  }

  @Test
  void drawsInOneLineAndEndsIt() {
    String drawn = draw(false);
    // JLine would print escape sequences. It must not be used: see Terminal.
    assertThat(drawn).doesNotContain("\u001b").endsWith(System.lineSeparator());
    assertThat(drawn.trim().lines()).noneMatch(line -> line.length() > 80);
    assertThat(drawn).contains("\repoch 1.00/1, step 2/2", "loss 3.2500", "1,000 tok/s", "0:00:00");
  }

  @Test
  void saysWhereACancelledTrainingWasSaved() {
    assertThat(draw(true))
        .endsWith("stopped after 2 steps in 0:00:05, saved to out" + System.lineSeparator());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {"24 120|120", "24 0|80", "24 3|20", "|80", "stty: no terminal|80", "1 9999999|80"})
  void readsTheWidth(String sizes, int width) {
    assertThat(Terminal.parse(sizes == null ? "" : sizes + "\n")).isEqualTo(width);
  }
}
