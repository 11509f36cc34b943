package io.github.ggml4j.evaluation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.ggml4j.inference.InferenceSession;
import io.github.ggml4j.io.ModelExport;
import io.github.ggml4j.io.ModelFiles;
import io.github.ggml4j.io.Models;
import io.github.ggml4j.model.Gpt2Config;
import io.github.ggml4j.model.Gpt2Model;
import io.github.ggml4j.quantization.Quantization;
import io.github.ggml4j.tensor.Device;
import io.github.ggml4j.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

class KlDivergenceTest {
  private static final Tokenizer TOKENIZER = Tokenizer.gpt2();

  private static Gpt2Model random(long seed, int vocabSize) {
    var config =
        Gpt2Config.builder()
            .vocabSize(vocabSize)
            .nEmbd(16)
            .nLayer(1)
            .nHead(2)
            .nPositions(32)
            .initializerRange(0.5)
            .build();
    return Gpt2Model.random(config, Device.cpu(1), seed);
  }

  @Test
  void aModelDoesNotDivergeFromItself() {
    try (var model = random(1, 50_257)) {
      var result = KlDivergence.from(model, TOKENIZER).evaluate("tick tock ".repeat(40), model);
      assertThat(result.divergence().value()).isCloseTo(0, within(1e-12));
      assertThat(result.sameTop().value()).isEqualTo(1);
      assertThat(result.logPerplexityRatio()).isEqualTo(new Estimate(0, 0));
      assertThat(result.rmsProbabilityChange()).isEqualTo(new Estimate(0, 0));
      var perplexity = Perplexity.of(model, TOKENIZER).chunked().evaluate("tick tock ".repeat(40));
      assertThat(result.perplexity().value())
          .isCloseTo(perplexity.perplexity(), within(1e-5 * perplexity.perplexity()));
      assertThat(result.tokens()).isEqualTo(perplexity.tokens());
    }
  }

  @Test
  void modelsAgainstTheFormulas() {
    var text = "It was the best of times, it was the worst of times; the end. ".repeat(6);
    int[] tokens = TOKENIZER.encode(text);
    try (var base = random(1, 50_257);
        var one = random(2, 50_257);
        var two = random(3, 50_257)) {
      var results =
          KlDivergence.from(base, TOKENIZER).context(16).evaluate(text, List.of(one, two));
      for (int m = 0; m < 2; m++) {
        var divergences = new ArrayList<Double>();
        var changes = new ArrayList<Double>();
        for (int begin = 0; begin + 16 <= tokens.length; begin += 16) {
          int[] window = Arrays.copyOfRange(tokens, begin, begin + 16);
          float[][] b = InferenceSession.logits(base, window);
          float[][] q = InferenceSession.logits(m == 0 ? one : two, window);
          for (int i = 8; i < 15; i++) {
            divergences.add(divergence(b[i], q[i]));
            changes.add(softmax(q[i])[window[i + 1]] - softmax(b[i])[window[i + 1]]);
          }
        }
        double mean = divergences.stream().mapToDouble(d -> d).average().orElseThrow();
        assertThat(results.get(m).divergence().value()).isCloseTo(mean, within(1e-4 * mean));
        assertThat(results.get(m).divergences().count()).isEqualTo(divergences.size());
        double max = divergences.stream().mapToDouble(d -> d).max().orElseThrow();
        assertThat(results.get(m).divergences().max()).isCloseTo(max, within(1e-4 * max));
        double squares = changes.stream().mapToDouble(c -> c * c).average().orElseThrow();
        assertThat(results.get(m).rmsProbabilityChange().value())
            .isCloseTo(Math.sqrt(squares), within(1e-4 * Math.sqrt(squares)));
      }
    }
  }

  private static double divergence(float[] base, float[] other) {
    double[] p = softmax(base);
    double[] q = softmax(other);
    double sum = 0;
    for (int i = 0; i < p.length; i++) {
      sum += p[i] * Math.log(p[i] / q[i]);
    }
    return sum;
  }

  private static double[] softmax(float[] logits) {
    double max = Float.NEGATIVE_INFINITY;
    for (float logit : logits) {
      max = Math.max(max, logit);
    }
    var e = new double[logits.length];
    double sum = 0;
    for (int i = 0; i < e.length; i++) {
      e[i] = Math.exp(logits[i] - max);
      sum += e[i];
    }
    for (int i = 0; i < e.length; i++) {
      e[i] /= sum;
    }
    return e;
  }

  @Test
  void asLlamaCpp(@TempDir Path folder) throws IOException {
    var golden = PerplexityTest.golden().get("divergence");
    var files = ModelFiles.bundled();
    var tokenizer = files.tokenizer();
    var file = folder.resolve("other.gguf");
    var export =
        ModelExport.builder()
            .quantization(Quantization.of(golden.get("type").asString()))
            .requantize(true)
            .tokenizer(tokenizer)
            .build();
    try (var base = Models.load(files, Device.cpu(1))) {
      Models.save(base, file, export);
      try (var other = Models.load(file, Device.cpu(1))) {
        var result =
            KlDivergence.from(base, tokenizer)
                .context(golden.get("context").asInt())
                .evaluate(PerplexityTest.text(), other);
        // llama.cpp adds noise of its own: activations of 8 bits, the base's logits in 16.
        assertNear(result.divergence().value(), golden, "divergence", 0.05);
        assertNear(result.divergence().standardError(), golden, "divergence_error", 0.1);
        assertNear(result.divergences().percentile(50), golden, "divergence_median", 0.1);
        assertNear(result.divergences().percentile(99), golden, "divergence_99", 0.2);
        assertNear(result.perplexity().value(), golden, "perplexity", 2e-3);
        assertNear(result.basePerplexity().value(), golden, "base_perplexity", 5e-3);
        assertNear(
            100 * result.rmsProbabilityChange().value(), golden, "rms_probability_change", 0.1);
        assertNear(100 * result.sameTop().value(), golden, "same_top", 0.02);
        assertNear(100 * result.sameTop().standardError(), golden, "same_top_error", 0.1);
      }
    }
  }

  private static void assertNear(double actual, JsonNode golden, String name, double bound) {
    double expected = golden.get(name).asDouble();
    assertThat(actual).as(name).isCloseTo(expected, within(bound * expected));
  }

  @Test
  void percentilesAreInterpolated() {
    var values = new Distribution(new float[] {4, 1, 3, 2});
    assertThat(values.percentile(0)).isEqualTo(1);
    assertThat(values.percentile(50)).isEqualTo(2.5);
    assertThat(values.percentile(100)).isEqualTo(4);
    assertThat(values.percentile(10)).isCloseTo(1.3, within(1e-12));
    assertThatThrownBy(() -> values.percentile(101)).hasMessageContaining("percent is 101");
  }

  @Test
  void meansAndErrorsAreThoseOfTwoPasses() {
    var random = new Random(1);
    var values = random.doubles(1000, 1e6, 1e6 + 1).toArray();
    var moments = new Moments();
    Arrays.stream(values).forEach(moments::add);
    double mean = Arrays.stream(values).average().orElseThrow();
    double variance = Arrays.stream(values).map(v -> (v - mean) * (v - mean)).sum() / 1000;
    assertThat(moments.mean()).isCloseTo(mean, within(1e-8));
    assertThat(moments.variance()).isCloseTo(variance, within(1e-9));
    assertThat(moments.standardError()).isCloseTo(Math.sqrt(variance / 999), within(1e-9));
  }

  @Test
  void modelsOfOtherVocabulariesAreRefused() {
    try (var base = random(1, 50_257);
        var other = random(1, 100)) {
      assertThatThrownBy(() -> KlDivergence.from(base, TOKENIZER).evaluate("a", other))
          .hasMessageContaining("vocab_size is 100");
    }
  }
}
