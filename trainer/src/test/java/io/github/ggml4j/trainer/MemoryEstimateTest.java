package io.github.ggml4j.trainer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.ggml4j.generation.GenerationConfig;
import io.github.ggml4j.generation.Generator;
import io.github.ggml4j.inference.InferenceSession;
import io.github.ggml4j.model.Gpt2Config;
import io.github.ggml4j.model.Gpt2Model;
import io.github.ggml4j.tensor.Device;
import io.github.ggml4j.tensor.MemoryEstimate;
import io.github.ggml4j.tensor.MemoryEstimate.Part;
import io.github.ggml4j.tensor.OutOfDeviceMemoryException;
import io.github.ggml4j.trainer.data.Dataset;
import io.github.ggml4j.trainer.internal.engine.TrainingEngine;
import io.github.ggml4j.trainer.optim.Adafactor;
import io.github.ggml4j.trainer.optim.AdamW;
import io.github.ggml4j.trainer.optim.Lion;
import io.github.ggml4j.trainer.optim.Muon;
import io.github.ggml4j.trainer.optim.Optimizer;
import io.github.ggml4j.trainer.optim.Sgd;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Compares estimates before a run with the buffers of the run. */
class MemoryEstimateTest {
  private static final Percentage TOLERANCE = Percentage.withPercentage(10);
  private static final AdamW ADAM_W = AdamW.learningRate(1e-3).eps(1e-8);

  private static Gpt2Model model(String device) {
    var config =
        Gpt2Config.builder()
            .nLayer(3)
            .nHead(4)
            .nEmbd(64)
            .nPositions(512)
            .vocabSize(1000)
            .bosTokenId(0)
            .eosTokenId(0)
            .build();
    return Gpt2Model.random(config, Device.open(device, 1), 1);
  }

  static Stream<Arguments> training() {
    List<Optimizer> rules =
        List.of(
            ADAM_W,
            Sgd.learningRate(1e-3).momentum(0.9),
            Adafactor.learningRate(1e-3),
            Lion.learningRate(1e-3),
            Muon.learningRate(1e-3).others(ADAM_W));
    return Stream.of("cpu", "cpu-stock")
        .flatMap(device ->
            rules.stream()
                .flatMap(rule ->
                    Stream.of(0f, 0.1f).map(dropout -> Arguments.of(device, rule, dropout))));
  }

  @ParameterizedTest
  @MethodSource("training")
  void training(String device, Optimizer rule, float dropout) {
    var settings = new TrainingEngine.Settings(1, dropout, dropout, dropout);
    try (var model = model(device)) {
      var estimate = TrainingEngine.estimate(model, rule, settings, 3, 48);
      try (var engine = new TrainingEngine(model, rule, settings)) {
        var tokens = new int[3 * 48];
        Arrays.setAll(tokens, i -> i % 1000);
        engine.accumulate(tokens, tokens, 3, 48, 1);
        engine.update(1, 1);
        assertThat(estimate.totalBytes() - estimate.bytes(Part.TEMPORARY))
            .isCloseTo(model.allocatedBytes() + engine.bytes(), TOLERANCE);
        assertThat(estimate.bytes(Part.PARAMETERS)).isEqualTo(model.allocatedBytes());
        assertThat(estimate.bytes(Part.GRADIENTS)).isEqualTo(model.allocatedBytes());
        assertThat(estimate.bytes(Part.LOGITS)).isEqualTo(3 * 48 * 1000 * 4L);
        assertThat(estimate.fits()).isTrue();
      }
    }
  }

  @ParameterizedTest
  @MethodSource("generations")
  void generation(String device, int sequences, int prompt, int length) {
    try (var model = model(device)) {
      var estimate = InferenceSession.estimateMemory(model, sequences, prompt, length);
      long rows = prompt + (long) sequences * (length - prompt);
      try (var session = InferenceSession.open(model, Math.toIntExact(rows))) {
        int first = session.newSequence();
        session.step(new int[] {first}, new int[][] {new int[prompt]});
        var all = new int[sequences];
        Arrays.setAll(all, _ -> session.fork(first));
        session.release(first);
        var next = new int[sequences][1];
        long most = session.bytes();
        for (int i = prompt + 1; i < length; i++) {
          session.step(all, next);
          most = Math.max(most, session.bytes());
        }
        assertThat(estimate.totalBytes()).isCloseTo(model.allocatedBytes() + most, TOLERANCE);
      }
    }
  }

  /** Each prompt has its own rows of the cache. */
  @ParameterizedTest
  @ValueSource(strings = {"cpu", "cpu-stock"})
  void generationOfABatch(String device) {
    int[] prompts = {200, 40, 100, 7};
    int[] lengths = {220, 100, 110, 17};
    try (var model = model(device)) {
      var estimate = InferenceSession.estimateMemory(model, prompts, lengths, 2);
      try (var session = InferenceSession.open(model, 200 + 40 + 100 + 7 + 2 * 100)) {
        var starts = new int[prompts.length];
        Arrays.setAll(starts, _ -> session.newSequence());
        session.step(
            starts, Arrays.stream(prompts).mapToObj(n -> new int[n]).toArray(int[][]::new));
        long most = session.bytes();
        var all = new ArrayList<Integer>();
        var ends = new ArrayList<Integer>();
        for (int i = 0; i < prompts.length; i++) {
          for (int j = 0; j < 2; j++) {
            all.add(session.fork(starts[i]));
            ends.add(lengths[i]);
          }
          session.release(starts[i]);
        }
        for (int step = 1; step < 60; step++) {
          var active =
              IntStream.range(0, all.size())
                  .filter(i -> session.length(all.get(i)) < ends.get(i))
                  .map(all::get)
                  .toArray();
          session.step(active, new int[active.length][1]);
          most = Math.max(most, session.bytes());
        }
        assertThat(estimate.totalBytes())
            .as(estimate::toString)
            .isCloseTo(model.allocatedBytes() + most, TOLERANCE);
        assertThat(estimate.bytes(Part.KV_CACHE)).isGreaterThan(3 * 2 * 64 * 4 * (347 + 200L));
      }
    }
  }

  static Stream<Arguments> generations() {
    return Stream.of("cpu", "cpu-stock")
        .flatMap(device ->
            Stream.of(
                Arguments.of(device, 1, 5, 20),
                Arguments.of(device, 1, 300, 320),
                Arguments.of(device, 4, 100, 300),
                // more sequences than a graph takes tokens
                Arguments.of(device, 1100, 5, 8)));
  }

  @Test
  void generationThatDoesNotFitIsRefusedBeforeItsFirstStep() {
    try (var model = model("cpu");
        var generator = new Generator(model, TestModels.tokenizer())) {
      var config =
          GenerationConfig.builder().doSample(true).maxNewTokens(100).numReturnSequences(9_000_000);
      assertThatThrownBy(() -> generator.generate(List.of(new int[] {1, 2}), config.build()))
          .isInstanceOf(OutOfDeviceMemoryException.class)
          .hasMessageContaining("generating 9000000 x 102 tokens")
          .hasMessageContaining("KV cache");
      config.numReturnSequences(2);
      assertThat(generator.generate(List.of(new int[] {1, 2}), config.build()).getFirst())
          .hasSize(2);
    }
  }

  @Test
  void trainingThatDoesNotFitIsRefusedBeforeItsFirstStep() {
    try (var model = TestModels.odd()) {
      var huge = trainer(model).batchSize(1_300_000);
      Dataset data = () -> Stream.generate(() -> "a".repeat(100));
      assertThat(huge.estimateMemory().fits()).isFalse();
      assertThatThrownBy(() -> huge.fit(data))
          .isInstanceOf(OutOfDeviceMemoryException.class)
          .hasMessageContaining("bytes")
          .hasMessageContaining("free")
          .hasMessageContaining("smaller batch")
          .hasMessageContaining("gradient accumulation");
      // Nearly: the graph itself is measured here
      var large = trainer(model).batchSize(60_000);
      assertThatThrownBy(() -> large.fit(data)).isInstanceOf(OutOfDeviceMemoryException.class);
      var result = trainer(model).maxSteps(1).fit(TestModels.documents(8));
      assertThat(result.steps()).isEqualTo(1);
    }
  }

  private static Trainer trainer(Gpt2Model model) {
    return Trainer.of(model, TestModels.tokenizer()).maxSequenceLength(77);
  }

  @Test
  void theTableNamesAllParts() {
    try (var model = TestModels.odd()) {
      MemoryEstimate estimate = trainer(model).estimateMemory();
      assertThat(estimate.toString())
          .contains("training with batches of 8 x 77 tokens on cpu (1 thread)")
          .containsPattern("parameters +[0-9,]+ bytes +[0-9.]+ GiB")
          .contains("gradients", "optimizer state", "activations", "logits", "sum", "free");
      assertThat(estimate.brief()).contains(" GiB on cpu, ", "parameters 0.00");
      assertThat(estimate.parts().values().stream().mapToLong(Long::longValue).sum())
          .isCloseTo(estimate.totalBytes(), within(0L));
    }
  }
}
