package io.github.ggml4j.generation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.ggml4j.Golden;
import io.github.ggml4j.format.safetensors.SafetensorsFile;
import io.github.ggml4j.tokenizer.Tokenizer;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import tools.jackson.databind.JsonNode;

/** Every processor, and all in order, against transformers' (make_golden_processors.py). */
class GoldenProcessorsTest {
  private static SafetensorsFile tensors;

  @BeforeAll
  static void open() {
    tensors = SafetensorsFile.open(Golden.path("processors/golden.safetensors"));
  }

  @AfterAll
  static void close() {
    tensors.close();
  }

  @TestFactory
  Stream<DynamicTest> processors() {
    var golden = Golden.json("processors/golden.json");
    return golden
        .get("cases")
        .valueStream()
        .map(one -> DynamicTest.dynamicTest(one.get("name").asString(), () -> check(golden, one)));
  }

  private static void check(JsonNode golden, JsonNode one) {
    String name = one.get("name").asString();
    float[][] logits = rows("logits/" + one.get("logits").asString());
    float[][] expected = rows("scores/" + name);
    for (int row = 0; row < one.get("rows").asInt(); row++) {
      int padding = padding(golden, row);
      if (padding > 0
          && (padding >= one.get("length").asInt() || countsPadding(one.get("options")))) {
        continue;
      }
      int[] tokens =
          Arrays.copyOfRange(
              Golden.ints(golden.get("input_ids").get(row)), padding, one.get("length").asInt());
      int promptLength = one.get("prompt_length").asInt() - padding;
      // Log-probabilities near 0 are small differences of large numbers.
      float least = one.get("options").has("renormalize_logits") ? 1 : 0;
      float[] actual = logits[row].clone();
      var request = request(one.get("options"), tokens, promptLength, actual.length);
      request.process(tokens, tokens.length, actual);
      if (request.config().doSample()) {
        var candidates = new Candidates();
        candidates.reset(actual);
        request.filter(candidates);
        candidates.writeTo(actual);
      }
      for (int i = 0; i < actual.length; i++) {
        if (expected[row][i] == Float.NEGATIVE_INFINITY) {
          assertThat(actual[i]).as("row %d, token %d", row, i).isNegative().isInfinite();
        } else {
          assertThat(actual[i])
              .as("row %d, token %d", row, i)
              .isCloseTo(
                  expected[row][i], within(1e-6f * Math.max(least, Math.abs(expected[row][i]))));
        }
      }
    }
  }

  private static int padding(JsonNode golden, int row) {
    return (int)
        Arrays.stream(Golden.ints(golden.get("attention_mask").get(row)))
            .filter(mask -> mask == 0)
            .count();
  }

  /** There the padding of transformers' batch counts as tokens; our batches have none. */
  private static boolean countsPadding(JsonNode options) {
    return Stream.of(
            "no_repeat_ngram_size",
            "min_length",
            "max_length",
            "encoder_repetition_penalty",
            "encoder_no_repeat_ngram_size")
        .anyMatch(options::has);
  }

  private static Request request(JsonNode options, int[] tokens, int promptLength, int vocabSize) {
    var builder = GenerationConfigs.of(options).numReturnSequences(1);
    if (!options.has("max_length")) {
      builder.maxLength(vocabSize);
    }
    var limits = new ModelLimits(vocabSize, vocabSize, null, List.of());
    return Request.of(
        builder.build(), Arrays.copyOf(tokens, promptLength), limits, Tokenizer.gpt2());
  }

  private static float[][] rows(String name) {
    long[] shape = Objects.requireNonNull(tensors.tensors().get(name)).shape();
    float[] values = Golden.floats(tensors, name);
    float[][] rows = new float[(int) shape[0]][];
    for (int row = 0; row < rows.length; row++) {
      int start = row * (int) shape[1];
      rows[row] = Arrays.copyOfRange(values, start, start + (int) shape[1]);
    }
    return rows;
  }
}
