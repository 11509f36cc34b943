package io.github.ggml4j.trainer.internal.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.ggml4j.io.Models;
import io.github.ggml4j.testing.TestDevice;
import io.github.ggml4j.trainer.optim.Adafactor;
import io.github.ggml4j.trainer.optim.AdamW;
import io.github.ggml4j.trainer.optim.Lion;
import io.github.ggml4j.trainer.optim.Muon;
import io.github.ggml4j.trainer.optim.Optimizer;
import io.github.ggml4j.trainer.optim.Sgd;
import java.nio.file.Path;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * The losses of 100 steps by each optimizer against PyTorch and transformers; {@code
 * make_golden_optimizers.py} wrote them.
 */
@Tag(TestDevice.TAG)
class OptimizerRunsTest {
  private static final Path MODELS = Path.of("../java-api/src/test/resources/golden/models");
  private static final Path GOLDEN = Path.of("src/test/resources/golden/optimizers.json");

  static Stream<Arguments> runs() {
    var runs = JsonMapper.shared().readTree(GOLDEN.toFile()).get("runs");
    return StreamSupport.stream(runs.spliterator(), false)
        .flatMap(run ->
            TestDevice.all().stream()
                .map(device ->
                    Arguments.of(
                        run.get("model").asString(),
                        run.get("optimizer").asString(),
                        device,
                        run.get("losses"))));
  }

  private static Optimizer optimizer(String name) {
    var adamW = AdamW.learningRate(5e-4).eps(1e-6);
    return switch (name) {
      case "adamw_torch" -> AdamW.torch(1e-3).eps(1e-6);
      case "groups" ->
          AdamW.learningRate(2e-4)
              .eps(1e-6)
              .weightDecay(0.1)
              .betas(0.8, 0.95)
              .decayVectors(true)
              .group("^(wte|wpe)", AdamW.learningRate(5e-5).eps(1e-6))
              .group("^h\\.1\\.", Sgd.learningRate(3e-4).momentum(0.9));
      case "lion" -> Lion.learningRate(5e-5).weightDecay(0.1);
      case "adafactor" -> Adafactor.learningRate(3e-5).weightDecay(0.05);
      case "muon" -> Muon.learningRate(1e-3).others(adamW);
      case "muon_rms" ->
          Muon.learningRate(1e-3)
              .weightDecay(0)
              .momentum(0.9)
              .nesterov(false)
              .adjustment(Muon.Adjustment.MATCH_RMS_ADAMW)
              .others(adamW);
      default -> throw new IllegalStateException("unknown optimizer in " + GOLDEN + ": " + name);
    };
  }

  @ParameterizedTest
  @MethodSource("runs")
  void lossesEqualPyTorchs(String modelName, String optimizer, TestDevice device, JsonNode losses) {
    var folder = MODELS.resolve(modelName);
    var batches =
        JsonMapper.shared()
            .readTree(folder.resolve("golden.json").toFile())
            .get("training")
            .get("batches");
    try (var model = Models.load(folder, device.open());
        var engine =
            new TrainingEngine(
                model, optimizer(optimizer), new TrainingEngine.Settings(1, 0, 0, 0))) {
      assertThat(losses.size()).isEqualTo(100);
      for (int step = 0; step < losses.size(); step++) {
        double loss = accumulate(engine, batches.get(step % batches.size()));
        engine.update(1, 1);
        double expected = losses.get(step).asDouble();
        assertThat(loss)
            .as("loss of step %d", step)
            .isCloseTo(expected, Offset.offset(device.arithmetic().losses(1e-4) * expected));
      }
    }
  }

  private static double accumulate(TrainingEngine engine, JsonNode batch) {
    int size = batch.get("input_ids").size();
    int length = batch.get("input_ids").get(0).size();
    var tokens = flat(batch.get("input_ids"));
    var labels = flat(batch.get("labels"));
    int count = 0;
    for (int i = 0; i < labels.length; i++) {
      if (i % length != 0 && labels[i] != TrainingEngine.IGNORED) {
        count++;
      }
    }
    return engine.accumulate(tokens, labels, size, length, 1f / count) / count;
  }

  private static int[] flat(JsonNode rows) {
    return StreamSupport.stream(rows.spliterator(), false)
        .flatMap(row -> StreamSupport.stream(row.spliterator(), false))
        .mapToInt(JsonNode::asInt)
        .toArray();
  }
}
