package io.github.ggml4j.evaluation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.ggml4j.io.ModelFiles;
import io.github.ggml4j.io.Models;
import io.github.ggml4j.model.Gpt2Config;
import io.github.ggml4j.model.Gpt2Model;
import io.github.ggml4j.tensor.Device;
import io.github.ggml4j.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Against what Hugging Face's guide and llama-perplexity compute, see golden/README.md. */
class PerplexityTest {
  static final Path FOLDER = Path.of("src/test/resources/golden/perplexity");
  private static final double FIVE_DIGITS = 1e-5;

  /** llama.cpp rounds activations to the type of the weights. */
  private static final double FOUR_DIGITS = 1e-4;

  /** It rounds them to 8 bits where weights are quantized. */
  private static final double ROUNDED = 1e-3;

  static JsonNode golden() {
    return JsonMapper.shared().readTree(FOLDER.resolve("golden.json").toFile());
  }

  static String text() throws IOException {
    var text = Files.readString(FOLDER.resolve("text.txt"));
    return text.substring(0, text.length() - 1); // llama.cpp leaves out the last line end
  }

  static Stream<JsonNode> strided() {
    return StreamSupport.stream(golden().get("strided").spliterator(), false);
  }

  static Stream<JsonNode> chunked() {
    return StreamSupport.stream(golden().get("chunked").spliterator(), false);
  }

  private static Gpt2Model random(int positions) {
    var config = Gpt2Config.builder().nEmbd(8).nLayer(1).nHead(2).nPositions(positions).build();
    return Gpt2Model.random(config, Device.cpu(1), 1);
  }

  @ParameterizedTest
  @MethodSource("strided")
  void stridedAsTheGuide(JsonNode golden) {
    var ids =
        StreamSupport.stream(golden.get("ids").spliterator(), false)
            .mapToInt(JsonNode::asInt)
            .toArray();
    var folder = FOLDER.resolveSibling("models").resolve(golden.get("model").asString());
    try (var model = Models.load(folder, Device.cpu(1))) {
      var result =
          Perplexity.of(model, Tokenizer.gpt2())
              .context(golden.get("context").asInt())
              .stride(golden.get("stride").asInt())
              .strided()
              .evaluate(ids);
      double expected = golden.get("perplexity").asDouble();
      assertThat(result.perplexity()).isCloseTo(expected, within(FIVE_DIGITS * expected));
      assertThat(Math.exp(result.nll())).isEqualTo(result.perplexity());
      assertThat(result.tokens()).isEqualTo(golden.get("tokens").asLong());
      double error = golden.get("standard_error").asDouble();
      assertThat(result.standardError()).isCloseTo(error, within(10 * FIVE_DIGITS * error));
    }
  }

  @ParameterizedTest
  @MethodSource("chunked")
  void chunkedAsLlamaCpp(JsonNode golden) throws IOException {
    var files = ModelFiles.bundled();
    var tokenizer = files.tokenizer();
    try (var model = Models.load(files, Device.cpu(1))) {
      var result =
          Perplexity.of(model, tokenizer)
              .chunked()
              .context(golden.get("context").asInt())
              .evaluate(text());
      double expected = golden.get("perplexity").asDouble();
      double bound =
          switch (golden.get("weights").asString()) {
            case "F32" -> FIVE_DIGITS;
            case "F16" -> FOUR_DIGITS;
            default -> ROUNDED;
          };
      assertThat(result.perplexity()).isCloseTo(expected, within(bound * expected));
      assertThat(result.windows()).isEqualTo(golden.get("windows").asInt());
      double error = golden.get("standard_error").asDouble();
      assertThat(result.standardError()).isCloseTo(error, within(1e-2 * error));
    }
  }

  @Test
  void everyTokenButTheFirstIsScoredOnce() {
    for (int length : new int[] {2, 7, 8, 9, 15, 16, 17, 40, 41}) {
      for (int stride : new int[] {1, 3, 7, 8}) {
        var text = IntStream.range(0, length).toArray();
        var scored = new ArrayList<Integer>();
        for (var window : Window.strided(text, 8, stride)) {
          assertThat(window.tokens().length).isLessThanOrEqualTo(8);
          for (int i = window.first(); i < window.tokens().length - 1; i++) {
            scored.add(window.tokens()[i + 1]);
          }
        }
        var expected = IntStream.range(1, length).boxed();
        if (stride == 8) { // no overlap: the first token of each window is not foretold
          expected = expected.filter(t -> t % 8 != 0);
        }
        assertThat(scored)
            .as("%d tokens by %d", length, stride)
            .containsExactlyElementsOf(expected.toList());
      }
    }
  }

  @Test
  void chunksBeginWithTheBosTokenOfThoseWhoHaveOne() {
    var windows = Window.chunked(new int[] {1, 2, 3, 4, 5, 6, 7, 8, 9}, 4, 0);
    assertThat(windows)
        .extracting(Window::tokens)
        .containsExactly(new int[] {0, 2, 3, 4}, new int[] {0, 6, 7, 8});
    assertThat(windows).extracting(Window::first).containsOnly(2);
    assertThat(Window.chunked(new int[] {1, 2, 3, 4}, 4, -1).getFirst().tokens())
        .containsExactly(1, 2, 3, 4);
  }

  @Test
  void batchesHoldWindowsOfOneShape() {
    var windows = Window.strided(new int[100], 16, 8);
    var batches = Window.batches(windows, 48);
    assertThat(batches.stream().flatMap(List::stream)).isEqualTo(windows);
    assertThat(batches)
        .allSatisfy(batch -> {
          assertThat(batch).hasSizeBetween(1, 3);
          assertThat(batch).allMatch(window -> window.fits(batch.getFirst()));
        });
  }

  @Test
  void progressIsTold() {
    try (var model = random(16)) {
      var told = new ArrayList<EvaluationProgress>();
      var result =
          Perplexity.of(model, Tokenizer.gpt2()).progress(told::add).evaluate(new int[500]);
      assertThat(told.getLast().windows()).isEqualTo(result.windows());
      assertThat(told.getLast().perplexity()).isEqualTo(result.perplexity());
      assertThat(told).allMatch(p -> p.totalWindows() == result.windows());
    }
  }

  @Test
  void anInterruptEndsIt() {
    try (var model = random(16)) {
      var perplexity =
          Perplexity.of(model, Tokenizer.gpt2())
              .progress(progress -> Thread.currentThread().interrupt());
      assertThatThrownBy(() -> perplexity.evaluate(new int[100_000]))
          .isInstanceOf(CancellationException.class)
          .hasMessageContaining("Interrupted after");
      assertThat(Thread.interrupted()).isTrue();
    }
  }

  @Test
  void theBeginningAlone() {
    try (var model = random(16)) {
      var tokens = new int[100];
      Arrays.setAll(tokens, i -> i * 7 % 1000);
      var perplexity = Perplexity.of(model, Tokenizer.gpt2());
      assertThat(perplexity.maxWindows(2).evaluate(tokens).perplexity())
          .isEqualTo(perplexity.evaluate(Arrays.copyOf(tokens, 24)).perplexity());
    }
  }

  @Test
  void whatCannotBeEvaluatedSaysWhy() {
    try (var model = random(16)) {
      var perplexity = Perplexity.of(model, Tokenizer.gpt2());
      assertThatThrownBy(() -> perplexity.context(17)).hasMessageContaining("n_positions = 16");
      assertThatThrownBy(() -> perplexity.stride(0)).hasMessageContaining("stride is 0");
      assertThatThrownBy(() -> perplexity.context(4).stride(5).evaluate(new int[9]))
          .hasMessageContaining("stride is 5, expected at most context = 4");
      assertThatThrownBy(() -> perplexity.evaluate("")).hasMessageContaining("is 0 tokens long");
      assertThatThrownBy(() -> perplexity.evaluate(1)).hasMessageContaining("is 1 tokens long");
      assertThatThrownBy(() -> perplexity.evaluate(1, 50_257)).hasMessageContaining("50257");
      assertThatThrownBy(() -> perplexity.chunked().evaluate(new int[31]))
          .hasMessageContaining("at least 2 * 16");
    }
  }
}
