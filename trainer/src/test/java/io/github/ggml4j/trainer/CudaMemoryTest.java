package io.github.ggml4j.trainer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.github.ggml4j.inference.InferenceSession;
import io.github.ggml4j.io.ModelExport;
import io.github.ggml4j.io.ModelFiles;
import io.github.ggml4j.io.Models;
import io.github.ggml4j.model.Gpt2Config;
import io.github.ggml4j.model.Gpt2Model;
import io.github.ggml4j.tensor.DType;
import io.github.ggml4j.tensor.Device;
import io.github.ggml4j.tensor.DeviceInfo;
import io.github.ggml4j.tensor.Graph;
import io.github.ggml4j.tensor.OutOfDeviceMemoryException;
import io.github.ggml4j.tensor.TensorStore;
import io.github.ggml4j.trainer.internal.engine.TrainingEngine;
import io.github.ggml4j.trainer.optim.AdamW;
import java.nio.file.Path;
import java.util.Arrays;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Compares estimates with CUDA's allocations. Needs an otherwise idle GPU, or the test double of
 * one.
 */
class CudaMemoryTest {
  private static final Percentage TOLERANCE = Percentage.withPercentage(10);
  private static final AdamW ADAM_W = AdamW.learningRate(1e-3).eps(1e-8);
  private static final long MIB = 1 << 20;

  @TempDir private Path folder;

  @BeforeEach
  void needsCuda() {
    assumeThat(Device.list().stream().map(DeviceInfo::name)).as("devices").contains("cuda0");
  }

  private static Gpt2Config config() {
    return Gpt2Config.builder()
        .nLayer(4)
        .nHead(4)
        .nEmbd(256)
        .nPositions(512)
        .vocabSize(5000)
        .bosTokenId(0)
        .eosTokenId(0)
        .build();
  }

  private static long free() {
    try (var device = Device.open("cuda", 1)) {
      return device.freeMemory();
    }
  }

  @ParameterizedTest
  @CsvSource({"2, 64, 0", "4, 256, 0.1", "8, 128, 0.1"})
  void training(int batch, int length, float dropout) {
    long before = free();
    var settings = new TrainingEngine.Settings(1, dropout, dropout, dropout);
    try (var model = Gpt2Model.random(config(), Device.open("cuda", 1), 1)) {
      var estimate = TrainingEngine.estimate(model, ADAM_W, settings, batch, length);
      try (var engine = new TrainingEngine(model, ADAM_W, settings)) {
        var tokens = new int[batch * length];
        Arrays.setAll(tokens, i -> i % 5000);
        for (int step = 0; step < 3; step++) {
          engine.accumulate(tokens, tokens, batch, length, 1);
          engine.update(1, 1);
        }
        assertThat(estimate.totalBytes())
            .as("%s", estimate)
            .isCloseTo(before - model.device().freeMemory(), TOLERANCE);
      }
    }
    assertThat(free()).isEqualTo(before);
  }

  @ParameterizedTest
  @ValueSource(strings = {"F32", "F16", "BF16", "Q8_0", "Q4_K"})
  void generation(String type) {
    var file = folder.resolve("model.gguf");
    try (var model = Gpt2Model.random(config(), Device.cpu(1), 1)) {
      Models.save(
          model, file, ModelExport.builder().type(DType.valueOf(type)).name("test").build());
    }
    long before = free();
    try (var model = Models.load(ModelFiles.open(file), Device.open("cuda", 1))) {
      var estimate = InferenceSession.estimateMemory(model, 3, 200, 240);
      try (var session = InferenceSession.open(model, 200 + 3 * 40)) {
        int first = session.newSequence();
        session.step(new int[] {first}, new int[][] {new int[200]});
        int[] all = {session.fork(first), session.fork(first), session.fork(first)};
        for (int i = 201; i < 240; i++) {
          session.step(all, new int[3][1]);
        }
        assertThat(estimate.totalBytes())
            .as("%s", estimate)
            .isCloseTo(before - model.device().freeMemory(), TOLERANCE);
      }
    }
    assertThat(free()).isEqualTo(before);
  }

  @Test
  void anOpThatTheDeviceLacksIsNamedWithTypesAndShapes() {
    try (var device = Device.open("cuda", 1);
        var store = new TensorStore(device, "weights", 1);
        var graph = Graph.forward(device, 8)) {
      var matrix = store.add(DType.NVFP4, 256, 512);
      store.allocate();
      graph.getRows(matrix, graph.input(DType.I32, 3));
      assertThatThrownBy(graph::build)
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining(
              "cannot compute GET_ROWS of NVFP4[256, 512], I32[3] to F32[3, 512]");
    }
  }

  @Test
  void outOfMemoryIsAnExceptionAndTheDeviceStaysUsable() {
    long before = free();
    var settings = new TrainingEngine.Settings(1, 0, 0, 0);
    try (var model = Gpt2Model.random(config(), Device.open("cuda", 1), 1)) {
      var device = model.device();
      try (var engine = new TrainingEngine(model, ADAM_W, settings);
          var store = new TensorStore(device, "what fills the device", 1)) {
        store.add(DType.F32, (device.freeMemory() - 48 * MIB) / Float.BYTES);
        store.allocate();
        var tokens = new int[8 * 512];
        assertThatThrownBy(() -> engine.accumulate(tokens, tokens, 8, 512, 1))
            .isInstanceOf(OutOfDeviceMemoryException.class)
            .hasMessageContaining("free")
            .hasMessageContaining("smaller batch");
        assertThatThrownBy(() -> InferenceSession.open(model, 20_000))
            .isInstanceOf(OutOfDeviceMemoryException.class)
            .hasMessageContaining("a cache of");
        var few = new int[16];
        engine.accumulate(few, few, 1, 16, 1); // the device stays usable
      }
      try (var graph = Graph.forward(device, 8)) {
        var x = graph.input(DType.F32, 4);
        graph.output(graph.add(x, x));
        graph.build().compute();
      }
    }
    assertThat(free()).isEqualTo(before);
  }
}
