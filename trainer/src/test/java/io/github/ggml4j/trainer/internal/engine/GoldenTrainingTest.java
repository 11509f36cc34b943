package io.github.ggml4j.trainer.internal.engine;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;
import static org.assertj.core.api.Assertions.assertThat;

import io.github.ggml4j.format.safetensors.SafetensorsFile;
import io.github.ggml4j.io.Models;
import io.github.ggml4j.tensor.Tensor;
import io.github.ggml4j.testing.Arithmetic;
import io.github.ggml4j.testing.TestDevice;
import io.github.ggml4j.trainer.optim.AdamW;
import io.github.ggml4j.trainer.optim.Optimizer;
import io.github.ggml4j.trainer.optim.Sgd;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
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
 * Gradients, losses and updates against PyTorch on the golden models. The files are described in
 * {@code golden/README.md}.
 */
@Tag(TestDevice.TAG)
class GoldenTrainingTest {
  private static final Path MODELS = Path.of("../java-api/src/test/resources/golden/models");
  private static final TrainingEngine.Settings NO_DROPOUT = new TrainingEngine.Settings(1, 0, 0, 0);
  private static final AdamW ADAMW = AdamW.learningRate(1e-3).eps(1e-6);

  /** Both sides convert half-precision weights exactly, so one bound is enough for all models. */
  private static final double GRADIENT_TOLERANCE = 1e-3;

  private static final double LOSS_TOLERANCE = 1e-4;

  static Stream<Arguments> modelsAndDevices() {
    try (var folders = Files.list(MODELS)) {
      return folders.map(path -> path.getFileName().toString()).sorted().toList().stream()
          .flatMap(name -> TestDevice.all().stream().map(device -> Arguments.of(name, device)));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** One batch of the golden file in row-major arrays. */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Batch(int[] tokens, int[] labels, int size, int length) {
    static Batch of(JsonNode node, boolean lab) {
      int size = node.get("input_ids").size();
      int length = node.get("input_ids").get(0).size();
      var tokens = flat(node.get("input_ids"));
      return lab
          ? new Batch(tokens, tokens, size, length)
          : new Batch(tokens, flat(node.get("labels")), size, length);
    }

    int labelCount() {
      int count = 0;
      for (int i = 0; i < labels.length; i++) {
        if (i % length != 0 && labels[i] != TrainingEngine.IGNORED) {
          count++;
        }
      }
      return count;
    }

    double accumulate(TrainingEngine engine, float scale) {
      return engine.accumulate(tokens, labels, size, length, scale);
    }
  }

  private static int[] flat(JsonNode rows) {
    return StreamSupport.stream(rows.spliterator(), false)
        .flatMap(row -> StreamSupport.stream(row.spliterator(), false))
        .mapToInt(JsonNode::asInt)
        .toArray();
  }

  @ParameterizedTest
  @MethodSource("modelsAndDevices")
  void gradients(String name, TestDevice device) {
    var training = json(name).get("training");
    for (var golden : training.get("gradients")) {
      var what = golden.get("name").asString();
      var batch = Batch.of(golden.get("batch"), what.equals("lab"));
      try (var file = SafetensorsFile.open(MODELS.resolve(name).resolve("golden.safetensors"));
          var model = Models.load(MODELS.resolve(name), device.open());
          var engine = new TrainingEngine(model, ADAMW, NO_DROPOUT)) {
        assertThat(batch.labelCount()).isEqualTo(golden.get("label_count").asInt());
        double evaluated =
            engine.evaluate(batch.tokens(), batch.labels(), batch.size(), batch.length()).loss();
        double sum = batch.accumulate(engine, 1f / batch.labelCount());
        double loss = golden.get("loss").asDouble();
        double bound = device.arithmetic().losses(1e-5);
        assertThat(sum / batch.labelCount()).isCloseTo(loss, relative(loss, bound));
        assertThat(evaluated).isCloseTo(sum, relative(sum, bound));
        compareGradients(file, what, golden.get("strides"), engine, device);
      }
    }
  }

  private static void compareGradients(
      SafetensorsFile file,
      String what,
      JsonNode strides,
      TrainingEngine engine,
      TestDevice device) {
    double tolerance = device.arithmetic().gradients(GRADIENT_TOLERANCE);
    engine
        .gradients()
        .forEach((parameter, tensor) -> {
          var expected = floats(file, "gradients/" + what + "/" + parameter);
          int stride = strides.get(parameter).asInt();
          var actual = likeHuggingFace(parameter, tensor);
          double difference = 0;
          double norm = 0;
          for (int i = 0; i < expected.length; i++) {
            difference += Math.pow((double) actual[i * stride] - expected[i], 2);
            norm += Math.pow(expected[i], 2);
          }
          assertThat(Math.sqrt(difference))
              .as("gradient of %s, %s", parameter, what)
              .isLessThanOrEqualTo(tolerance * Math.sqrt(norm) + 1e-9);
        });
  }

  /** In the order of Hugging Face's file, which has linear weights as (in, out). */
  private static float[] likeHuggingFace(String parameter, Tensor tensor) {
    var values = tensor.toFloats();
    if (!parameter.startsWith("h.") || tensor.shape().length == 1) {
      return values;
    }
    int out = (int) tensor.shape()[0];
    int in = (int) tensor.shape()[1];
    var turned = new float[values.length];
    for (int o = 0; o < out; o++) {
      for (int i = 0; i < in; i++) {
        turned[i * out + o] = values[o * in + i];
      }
    }
    return turned;
  }

  @ParameterizedTest
  @MethodSource("modelsAndDevices")
  void runs(String name, TestDevice device) {
    var training = json(name).get("training");
    var batches = training.get("batches");
    for (var run : training.get("runs")) {
      if (device.name().equals("cpu-stock")
          && run.get("steps").asInt() > 20
          && !name.equals("odd")) {
        continue; // the same arithmetic as in the shorter runs
      }
      try (var file = SafetensorsFile.open(MODELS.resolve(name).resolve("golden.safetensors"));
          var model = Models.load(MODELS.resolve(name), device.open());
          var engine = new TrainingEngine(model, optimizer(run), NO_DROPOUT)) {
        run(run, batches, engine, name + ", " + run.get("name").asString(), device);
        double bound = device.arithmetic().values(2e-3);
        var prefix = "runs/" + run.get("name").asString() + "/";
        for (var entry : model.tensors().entrySet()) {
          var expected = floats(file, prefix + entry.getKey());
          var actual = likeHuggingFace(entry.getKey(), entry.getValue());
          int stride = (actual.length + 63) / 64;
          for (int i = 0; i < expected.length; i++) {
            assertThat((double) actual[i * stride])
                .as("%s element %d after %s", entry.getKey(), i * stride, prefix)
                .isCloseTo(expected[i], Offset.offset(bound * Math.max(1, Math.abs(expected[i]))));
          }
        }
      }
    }
  }

  private static void run(
      JsonNode run, JsonNode batches, TrainingEngine engine, String what, TestDevice device) {
    int accumulation = run.get("accumulation").asInt();
    boolean lab = run.get("padding").asString().equals("lab");
    boolean byToken =
        run.has("accumulation_weight") && run.get("accumulation_weight").asString().equals("token");
    float clip = (float) run.get("clip_norm").asDouble();
    for (int step = 0; step < run.get("steps").asInt(); step++) {
      int first = step * accumulation;
      int total = 0;
      for (int i = 0; i < accumulation; i++) {
        total += Batch.of(batches.get((first + i) % batches.size()), lab).labelCount();
      }
      double loss = 0;
      for (int i = 0; i < accumulation; i++) {
        var batch = Batch.of(batches.get((first + i) % batches.size()), lab);
        float scale = 1f / (byToken ? total : batch.labelCount() * accumulation);
        loss += batch.accumulate(engine, scale) * scale;
      }
      float norm = engine.update(run.get("learning_rates").get(step).asDouble(), clip);
      double expected = run.get("losses").get(step).asDouble();
      assertThat(loss)
          .as("loss of %s at step %d", what, step)
          .isCloseTo(expected, relative(expected, device.arithmetic().losses(LOSS_TOLERANCE)));
      double expectedNorm = run.get("gradient_norms").get(step).asDouble();
      assertThat((double) norm)
          .as("gradient norm of %s at step %d", what, step)
          .isCloseTo(expectedNorm, relative(expectedNorm, device.arithmetic().gradients(1e-3)));
    }
  }

  private static Optimizer optimizer(JsonNode run) {
    double decay = run.get("weight_decay").asDouble();
    if (run.get("optimizer").asString().equals("sgd")) {
      return new Sgd(
          1, // the runs give the rates
          run.get("momentum").asDouble(),
          run.get("dampening").asDouble(),
          decay,
          run.get("nesterov").asBoolean());
    }
    return new AdamW(
        1,
        run.get("beta1").asDouble(),
        run.get("beta2").asDouble(),
        run.get("epsilon").asDouble(),
        decay,
        true);
  }

  static List<TestDevice> devices() {
    return TestDevice.all();
  }

  @ParameterizedTest
  @MethodSource("devices")
  void dropoutRepeatsWithItsSeed(TestDevice device) {
    var batch = Batch.of(json("odd").get("training").get("batches").get(0), false);
    var first = losses(batch, 5, device, 2);
    assertThat(losses(batch, 5, device, 2)).isEqualTo(first);
    assertThat(losses(batch, 6, device, 2)).isNotEqualTo(first);
  }

  private static List<Double> losses(Batch batch, long seed, TestDevice device, int threads) {
    var settings = new TrainingEngine.Settings(seed, 0.1f, 0.1f, 0.1f);
    try (var model = Models.load(MODELS.resolve("odd"), device.open(threads));
        var engine = new TrainingEngine(model, ADAMW, settings)) {
      return Stream.generate(
              () -> {
                double sum = batch.accumulate(engine, 1f / batch.labelCount());
                engine.update(1, 1);
                return sum;
              })
          .limit(5)
          .toList();
    }
  }

  /** Dropout masks equal those of the CPU: they depend only on the seed, the op and the index. */
  @ParameterizedTest
  @MethodSource("devices")
  void dropoutEqualsTheCpus(TestDevice device) {
    var batch = Batch.of(json("odd").get("training").get("batches").get(0), false);
    var expected = losses(batch, 5, new TestDevice("cpu", Arithmetic.CPU), 1);
    var actual = losses(batch, 5, device, 1);
    for (int i = 0; i < expected.size(); i++) {
      double bound = device.arithmetic().losses(1e-4);
      assertThat(actual.get(i)).isCloseTo(expected.get(i), relative(expected.get(i), bound));
    }
  }

  private static Offset<Double> relative(double value, double tolerance) {
    return Offset.offset(tolerance * Math.max(Math.abs(value), 1e-3));
  }

  private static JsonNode json(String name) {
    return JsonMapper.shared().readTree(MODELS.resolve(name).resolve("golden.json").toFile());
  }

  private static float[] floats(SafetensorsFile file, String name) {
    var data = file.data(name);
    var values = new float[Math.toIntExact(data.byteSize() / 4)];
    for (int i = 0; i < values.length; i++) {
      values[i] = data.get(JAVA_FLOAT_UNALIGNED, 4L * i);
    }
    return values;
  }
}
