package io.github.ggml4j.trainer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.ggml4j.io.Models;
import io.github.ggml4j.model.Gpt2Model;
import io.github.ggml4j.testing.TestDevice;
import io.github.ggml4j.trainer.data.Datasets;
import io.github.ggml4j.trainer.optim.AdamW;
import io.github.ggml4j.trainer.schedule.LinearWarmup;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Whole trainings from texts, step by step against a plain PyTorch loop; {@code
 * make_golden_trainer.py} wrote its numbers.
 */
@Tag(TestDevice.TAG)
class GoldenTrainerTest {
  private static final JsonNode GOLDEN =
      JsonMapper.shared().readTree(Path.of("src/test/resources/golden/trainer.json").toFile());
  private static final double TOLERANCE = 1e-4;

  static Stream<Arguments> cases() {
    return StreamSupport.stream(GOLDEN.get("cases").spliterator(), false)
        .flatMap(golden -> TestDevice.all().stream().map(device -> Arguments.of(golden, device)));
  }

  @ParameterizedTest
  @MethodSource("cases")
  void equalsPyTorch(JsonNode golden, TestDevice device) {
    List<String> documents = new ArrayList<>();
    GOLDEN.get("documents").forEach(text -> documents.add(text.asString()));
    List<StepMetrics> steps = new ArrayList<>();
    TrainingResult result;
    try (Gpt2Model model = Models.load(TestModels.ODD, device.open())) {
      result =
          Trainer.of(model, TestModels.tokenizer())
              .maxSequenceLength(golden.get("max_sequence_length").asInt())
              .batchSize(golden.get("batch_size").asInt())
              .epochs(golden.get("epochs").asInt())
              .gradientAccumulationSteps(golden.get("accumulation").asInt())
              .padding(Padding.valueOf(golden.get("padding").asString()))
              .packing(golden.get("packing").asBoolean())
              .optimizer(AdamW.learningRate(golden.get("learning_rate").asDouble()).eps(1e-6))
              .schedule(LinearWarmup.steps(golden.get("warmup").asLong()))
              .clipNorm(golden.get("clip_norm").asDouble())
              .dropout(0)
              .shuffle(false)
              .listener(
                  new TrainingListener() {
                    @Override
                    public void onStepEnd(StepMetrics step, TrainerControl control) {
                      steps.add(step);
                    }
                  })
              .fit(Datasets.of(documents));
    }
    assertThat(result.steps()).isEqualTo(golden.get("losses").size());
    assertThat(steps).hasSize(golden.get("losses").size());
    double tolerance = device.arithmetic().losses(TOLERANCE);
    double normTolerance = device.arithmetic().gradients(1e-3);
    for (StepMetrics step : steps) {
      int i = Math.toIntExact(step.step()) - 1;
      double loss = golden.get("losses").get(i).asDouble();
      double norm = golden.get("gradient_norms").get(i).asDouble();
      assertThat(step.loss()).as("loss, %s", step).isCloseTo(loss, within(tolerance * loss));
      assertThat(step.gradNorm())
          .as("norm, %s", step)
          .isCloseTo(norm, within(normTolerance * norm));
      assertThat(step.learningRate())
          .as("rate, %s", step)
          .isCloseTo(golden.get("learning_rates").get(i).asDouble(), within(1e-12));
    }
  }
}
