package io.github.ggml4j.generation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.ggml4j.Golden;
import io.github.ggml4j.inference.InferenceSession;
import io.github.ggml4j.io.Models;
import io.github.ggml4j.model.Gpt2Config;
import io.github.ggml4j.model.Gpt2Model;
import io.github.ggml4j.tensor.Device;
import io.github.ggml4j.testing.TestDevice;
import io.github.ggml4j.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;

/**
 * Greedy and beam search, with processors, over whole models against transformers'
 * (make_golden_models.py).
 */
@Tag(TestDevice.TAG)
class GoldenGenerationTest {
  static Stream<Arguments> modelsAndDevices() {
    return Golden.models().stream()
        .map(folder -> folder.getFileName().toString())
        .flatMap(name -> TestDevice.all().stream().map(device -> Arguments.of(name, device)));
  }

  static List<TestDevice> devices() {
    return TestDevice.all();
  }

  @ParameterizedTest
  @MethodSource("modelsAndDevices")
  void sequencesAreTheSame(String name, TestDevice device) {
    device.assumeExact(name.endsWith("float16"));
    var golden = Golden.json("models/" + name + "/golden.json");
    try (var model = Models.load(Golden.path("models/" + name), device.open());
        var generator = generator(model)) {
      double tolerance = device.arithmetic().values(1e-4);
      for (var one : golden.get("generation")) {
        check(
            generator,
            model.config().eosTokenId(),
            one,
            name + ", " + one.get("name").asString(),
            tolerance);
      }
    }
  }

  private static Generator generator(Gpt2Model model) {
    return new Generator(
        ModelLimits.of(model),
        Tokenizer.gpt2(),
        new SpareDecoder((tokens, _) -> InferenceSession.open(model, tokens)));
  }

  private static void check(
      Generator generator,
      @Nullable Integer modelsEos,
      JsonNode one,
      String name,
      double tolerance) {
    var builder = GenerationConfigs.of(one.get("options")).logProbs(true);
    if (!one.get("options").has("eos_token_id") && modelsEos != null) {
      builder.eosTokenIds(modelsEos);
    }
    var config = builder.build();
    var prompts = new ArrayList<int[]>();
    for (int i = 0; i < one.get("prompts").size(); i++) {
      int[] mask = Golden.ints(one.get("attention_mask").get(i));
      int[] padded = Golden.ints(one.get("prompts").get(i));
      int padding = (int) Arrays.stream(mask).filter(m -> m == 0).count();
      prompts.add(Arrays.copyOfRange(padded, padding, padded.length));
    }
    int promptLength = one.get("prompts").get(0).size();
    var sequences = generator.generate(prompts, config).stream().flatMap(List::stream).toList();
    assertThat(sequences).as(name).hasSize(one.get("sequences").size());
    for (int i = 0; i < sequences.size(); i++) {
      var sequence = sequences.get(i);
      int[] expected = Golden.ints(one.get("sequences").get(i));
      int end = promptLength;
      while (end < expected.length && (end == promptLength || !isEos(config, expected[end - 1]))) {
        end++;
      }
      assertThat(sequence.ids())
          .as("%s, sequence %d", name, i)
          .isEqualTo(Arrays.copyOfRange(expected, promptLength, end));
      checkScores(one, i, sequence, name, (float) tolerance);
    }
  }

  private static boolean isEos(GenerationConfig config, int id) {
    return Objects.requireNonNull(config.eosTokenIds()).contains(id);
  }

  private static void checkScores(
      JsonNode one, int i, GeneratedSequence sequence, String name, float tolerance) {
    if (one.has("sequences_scores")) {
      float score = (float) one.get("sequences_scores").get(i).asDouble();
      assertThat(sequence.score())
          .as("%s, score %d", name, i)
          .isCloseTo(score, within(tolerance * (1 + Math.abs(score))));
    }
    if (one.has("log_probabilities")) {
      var expected = one.get("log_probabilities").get(i);
      float[] actual = sequence.logProbs();
      for (int j = 0; j < actual.length; j++) {
        float logProb = (float) expected.get(j).asDouble();
        assertThat(actual[j])
            .as("%s, log-probability %d of sequence %d", name, j, i)
            .isCloseTo(logProb, within(tolerance * (1 + Math.abs(logProb))));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("devices")
  void theSameSeedGivesTheSameTextAgain(TestDevice device) throws Exception {
    try (var model = Models.load(Golden.path("models/odd"), device.open());
        var generator = generator(model)) {
      var prompts = List.of(new int[] {1, 2, 3}, new int[] {4}, new int[] {5, 6, 7, 8, 9});
      var config = GenerationConfig.builder().doSample(true).numReturnSequences(3).seed(3).build();
      var first = generator.generate(prompts, config);
      assertThat(generator.generate(prompts, config)).isEqualTo(first);
      var other = GenerationConfig.builder().doSample(true).numReturnSequences(3).seed(4).build();
      assertThat(generator.generate(prompts, other)).isNotEqualTo(first);
    }
  }

  @Test
  void aSessionServesManyCallsAndABatchGivesWhatEachPromptGivesAlone() throws Exception {
    try (var model = Models.load(Golden.models().getFirst(), Device.cpu(1));
        var generator = generator(model)) {
      var prompts = List.of(new int[] {1, 2, 3}, new int[] {4}, new int[] {5, 6, 7, 8, 9});
      var config = GenerationConfig.builder().doSample(true).numReturnSequences(3).seed(3).build();
      var batch = generator.generate(prompts, config);
      for (int i = 0; i < prompts.size(); i++) {
        assertThat(generator.generate(List.of(prompts.get(i)), config).getFirst())
            .isEqualTo(batch.get(i));
      }
    }
  }

  /** As a configuration made by hand that keeps GPT-2's own ids. */
  @Test
  void specialTokensOutsideOfTheVocabularyCountAsNone() {
    var config = Gpt2Config.builder().vocabSize(101).nPositions(32).nEmbd(16).nHead(2).nLayer(1);
    try (var model = Gpt2Model.random(config.build(), Device.cpu(1), 3);
        var generator = generator(model)) {
      assertThat(model.eosTokenIds()).containsExactly(50256);
      var options = GenerationConfig.builder().maxNewTokens(9).minNewTokens(2).build();
      var sequence = generator.generate(List.of(new int[] {1}), options).getFirst().getFirst();
      assertThat(sequence.ids()).hasSize(9);
      var empty = GenerationConfig.builder().allowEmptyPrompt(true).build();
      assertThatThrownBy(() -> generator.generate(List.of(new int[0]), empty))
          .hasMessageContaining("prompt is empty");
    }
  }
}
