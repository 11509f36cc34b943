package io.github.ggml4j.generation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.ggml4j.Golden;
import io.github.ggml4j.io.Models;
import io.github.ggml4j.testing.TestDevice;
import io.github.ggml4j.tokenizer.Tokenizer;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Guidance, prompt lookup, and many options at once over whole models against transformers'
 * (make_golden_generation.py).
 */
@Tag(TestDevice.TAG)
class GoldenOptionsTest {
  static Stream<Arguments> modelsAndDevices() {
    return Golden.json("generation/golden.json")
        .get("cases")
        .valueStream()
        .map(one -> one.get("model").asString())
        .distinct()
        .flatMap(name -> TestDevice.all().stream().map(device -> Arguments.of(name, device)));
  }

  @ParameterizedTest
  @MethodSource("modelsAndDevices")
  void sequencesAreTheSame(String name, TestDevice device) {
    device.assumeExact(false);
    double tolerance = device.arithmetic().values(1e-4);
    try (var model = Models.load(Golden.path("models/" + name), device.open());
        var generator = new Generator(model, Tokenizer.gpt2())) {
      for (var one : Golden.json("generation/golden.json").get("cases")) {
        if (!one.get("model").asString().equals(name)) {
          continue;
        }
        var config = GenerationConfigs.of(one.get("options")).build();
        var sequence =
            generator
                .generate(List.of(Golden.ints(one.get("prompt"))), config)
                .getFirst()
                .getFirst();
        assertThat(sequence.ids()).as("%s", one).isEqualTo(Golden.ints(one.get("ids")));
        if (one.has("score")) {
          float score = (float) one.get("score").asDouble();
          assertThat(sequence.score())
              .as("%s", one)
              .isCloseTo(score, within((float) tolerance * (1 + Math.abs(score))));
        }
      }
    }
  }
}
