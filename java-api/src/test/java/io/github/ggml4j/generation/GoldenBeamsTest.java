package io.github.ggml4j.generation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;

/** Beam search with many options against transformers' (make_golden_beams.py). */
class GoldenBeamsTest {
  @TestFactory
  Stream<DynamicTest> beams() {
    try (var in = GoldenBeamsTest.class.getResourceAsStream("/golden/beams/golden.json")) {
      var golden = new ObjectMapper().readTree(Objects.requireNonNull(in));
      return StreamSupport.stream(golden.get("cases").spliterator(), false)
          .map(one ->
              DynamicTest.dynamicTest(
                  one.get("options").toString(), () -> check(golden.get("tables"), one)));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void check(JsonNode tables, JsonNode one) {
    var table = tables.get(one.get("table").asInt());
    FakeDecoder.Table logits = tokens -> floats(table.get(tokens[tokens.length - 1]));
    var decoder = new FakeDecoder(logits);
    var sequences =
        new Generator(
                new ModelLimits(table.size(), 64, null, List.of()),
                new FakeText(),
                new DecoderPool(_ -> decoder))
            .generate(
                List.of(ids(one.get("prompt"))), GenerationConfigs.of(one.get("options")).build())
            .getFirst();
    var expected = one.get("sequences");
    assertThat(sequences).hasSize(expected.size());
    for (int i = 0; i < expected.size(); i++) {
      assertThat(sequences.get(i).ids()).isEqualTo(ids(expected.get(i).get("ids")));
      float score = (float) expected.get(i).get("score").asDouble();
      assertThat(sequences.get(i).score()).isCloseTo(score, within(1e-5f * (1 + Math.abs(score))));
    }
    assertThat(decoder.sequences).isEmpty();
  }

  private static float[] floats(JsonNode row) {
    float[] result = new float[row.size()];
    for (int i = 0; i < result.length; i++) {
      result[i] = (float) row.get(i).asDouble();
    }
    return result;
  }

  private static int[] ids(JsonNode array) {
    return IntStream.range(0, array.size()).map(i -> array.get(i).asInt()).toArray();
  }
}
