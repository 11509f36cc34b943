package io.github.ggml4j.generation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.ggml4j.Golden;
import io.github.ggml4j.tokenizer.Tokenizer;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import tools.jackson.databind.JsonNode;

/** Beam search with many options against transformers' (make_golden_beams.py). */
class GoldenBeamsTest {
  @TestFactory
  Stream<DynamicTest> beams() {
    var golden = Golden.json("beams/golden.json");
    return golden
        .get("cases")
        .valueStream()
        .map(one ->
            DynamicTest.dynamicTest(
                one.get("options").toString(), () -> check(golden.get("tables"), one)));
  }

  private static void check(JsonNode tables, JsonNode one) {
    var table = tables.get(one.get("table").asInt());
    FakeDecoder.Table logits = tokens -> floats(table.get(tokens[tokens.length - 1]));
    var decoder = new FakeDecoder(logits);
    var sequences =
        new Generator(
                new ModelLimits(table.size(), 64, null, List.of()),
                Tokenizer.gpt2(),
                new SpareDecoder((_, _) -> decoder))
            .generate(
                List.of(Golden.ints(one.get("prompt"))),
                GenerationConfigs.of(one.get("options")).build())
            .getFirst();
    var expected = one.get("sequences");
    assertThat(sequences).hasSize(expected.size());
    for (int i = 0; i < expected.size(); i++) {
      assertThat(sequences.get(i).ids()).isEqualTo(Golden.ints(expected.get(i).get("ids")));
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
}
