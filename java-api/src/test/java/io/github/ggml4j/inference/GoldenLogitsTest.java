package io.github.ggml4j.inference;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.ggml4j.Golden;
import io.github.ggml4j.format.safetensors.SafetensorsFile;
import io.github.ggml4j.io.ModelExport;
import io.github.ggml4j.io.Models;
import io.github.ggml4j.tensor.DType;
import io.github.ggml4j.tensor.Device;
import io.github.ggml4j.testing.TestDevice;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Compares the logits of the golden models with those of transformers. */
@Tag(TestDevice.TAG)
class GoldenLogitsTest {
  /** Absolute; relative for values above 1. */
  private static final double TOLERANCE = 1e-4;

  private static double tolerance(String name, TestDevice device) {
    var arithmetic = device.arithmetic();
    return name.endsWith("float16")
        ? arithmetic.halfValues(TOLERANCE)
        : arithmetic.values(TOLERANCE);
  }

  static Stream<Arguments> modelsAndDevices() {
    return Golden.models().stream()
        .map(folder -> folder.getFileName().toString())
        .flatMap(name -> TestDevice.all().stream().map(device -> Arguments.of(name, device)));
  }

  @ParameterizedTest
  @MethodSource("modelsAndDevices")
  void promptAndDecode(String name, TestDevice device) {
    var golden = Golden.json("models/" + name + "/golden.json").get("logits");
    var prompt = Golden.ints(golden.get("prompt"));
    var full = Golden.ints(golden.get("full_prompt"));
    try (var file =
            SafetensorsFile.open(Golden.path("models/" + name).resolve("golden.safetensors"));
        var model = Models.load(Golden.path("models/" + name), device.open(2))) {
      var expected = rows(Golden.floats(file, "logits"), model.config().vocabSize());
      var actual = InferenceSession.logits(model, prompt);
      for (int t = 0; t < prompt.length; t++) {
        assertClose(actual[t], expected[t], tolerance(name, device), "prompt position " + t);
      }
      var last = InferenceSession.logits(model, full)[full.length - 1];
      assertClose(
          last, Golden.floats(file, "full_logits"), tolerance(name, device), "last position");
      try (var session = InferenceSession.open(model)) {
        int sequence = session.newSequence();
        var logits = new float[model.config().vocabSize()];
        for (int t = 0; t < prompt.length; t++) {
          session.step(new int[] {sequence}, new int[][] {{prompt[t]}});
          session.logits(0, logits);
          assertClose(logits, expected[t], tolerance(name, device), "decoded position " + t);
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("modelsAndDevices")
  void batchOfDifferentLengths(String name, TestDevice device) {
    var golden = Golden.json("models/" + name + "/golden.json").get("logits");
    var batch = golden.get("batch");
    var mask = golden.get("batch_attention_mask");
    try (var file =
            SafetensorsFile.open(Golden.path("models/" + name).resolve("golden.safetensors"));
        var model = Models.load(Golden.path("models/" + name), device.open(2));
        var session = InferenceSession.open(model)) {
      int n = batch.size();
      var sequences = new int[n];
      var tokens = new int[n][];
      for (int i = 0; i < n; i++) {
        sequences[i] = session.newSequence();
        var ids = Golden.ints(batch.get(i));
        int padding = (int) Arrays.stream(Golden.ints(mask.get(i))).filter(m -> m == 0).count();
        tokens[i] = Arrays.copyOfRange(ids, padding, ids.length);
      }
      session.step(sequences, tokens);
      var expected = rows(Golden.floats(file, "batch_logits"), model.config().vocabSize());
      var logits = new float[model.config().vocabSize()];
      for (int i = 0; i < n; i++) {
        session.logits(i, logits);
        assertClose(logits, expected[i], tolerance(name, device), "sequence " + i);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("modelsAndDevices")
  void savedModelGivesTheSameLogits(String name, TestDevice device, @TempDir Path folder) {
    var prompt =
        Golden.ints(Golden.json("models/" + name + "/golden.json").get("logits").get("prompt"));
    try (var model = Models.load(Golden.path("models/" + name), device.open())) {
      var expected = InferenceSession.logits(model, prompt);
      Models.save(model, folder.resolve("saved"), ModelExport.builder().build());
      try (var again = Models.load(folder.resolve("saved"), device.open())) {
        var sameType =
            model.config().toBuilder().other("dtype", again.config().other().get("dtype")).build();
        assertThat(again.config().toJson()).isEqualTo(sameType.toJson());
        assertThat(InferenceSession.logits(again, prompt)).isDeepEqualTo(expected);
      }
      model.trainableWeights();
      var widened = InferenceSession.logits(model, prompt);
      if (device.arithmetic().exact(name.endsWith("float16"))) {
        assertThat(widened).isDeepEqualTo(expected);
      } else {
        assertThat(relativeError(widened, expected)).isLessThan(tolerance(name, device));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("modelsAndDevices")
  void otherTypesOfWeightsGiveSimilarLogits(String name, TestDevice device, @TempDir Path folder) {
    var prompt =
        Golden.ints(Golden.json("models/" + name + "/golden.json").get("logits").get("prompt"));
    try (var model = Models.load(Golden.path("models/" + name), Device.cpu(1))) {
      if (!model.config().usesTanhGelu()) {
        return; // llama.cpp's GPT-2 has this function only, so other models have no GGUF file
      }
      var expected = InferenceSession.logits(model, prompt);
      var file = folder.resolve("model.gguf");
      for (var type : List.of(DType.F32, DType.F16, DType.BF16, DType.Q8_0)) {
        Models.save(model, file, ModelExport.builder().type(type).name(name).build());
        try (var again = Models.load(file, device.open())) {
          double bound = type == DType.F32 ? 1e-4 : type == DType.F16 ? 2e-2 : 0.3;
          assertThat(relativeError(InferenceSession.logits(again, prompt), expected))
              .as("%s on %s", type, device)
              .isLessThan(device.arithmetic().values(bound));
        }
      }
    }
  }

  private static double relativeError(float[][] actual, float[][] expected) {
    double difference = 0;
    double norm = 0;
    for (int t = 0; t < expected.length; t++) {
      for (int v = 0; v < expected[t].length; v++) {
        difference += Math.pow((double) actual[t][v] - expected[t][v], 2);
        norm += Math.pow(expected[t][v], 2);
      }
    }
    return Math.sqrt(difference / norm);
  }

  private static float[][] rows(float[] flat, int width) {
    var rows = new float[flat.length / width][];
    for (int i = 0; i < rows.length; i++) {
      rows[i] = Arrays.copyOfRange(flat, i * width, (i + 1) * width);
    }
    return rows;
  }

  private static void assertClose(float[] actual, float[] expected, double tolerance, String what) {
    assertThat(actual).hasSameSizeAs(expected);
    for (int i = 0; i < actual.length; i++) {
      double bound = tolerance * Math.max(1, Math.abs(expected[i]));
      if (!(Math.abs(actual[i] - expected[i]) <= bound)) {
        throw new AssertionError(
            what + ", logit " + i + " is " + actual[i] + ", expected " + expected[i]);
      }
    }
  }
}
