package io.github.ggml4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.ggml4j.format.ModelFormatException;
import io.github.ggml4j.generation.EarlyStopping;
import io.github.ggml4j.generation.FinishReason;
import io.github.ggml4j.generation.GenerationConfig;
import io.github.ggml4j.generation.LogitsProcessor;
import io.github.ggml4j.hub.HubException;
import io.github.ggml4j.model.Gpt2Config;
import io.github.ggml4j.model.Gpt2Model;
import io.github.ggml4j.quantization.Quantization;
import io.github.ggml4j.tensor.Device;
import io.github.ggml4j.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Text in, text out, over a small model with GPT-2's vocabulary and random weights. */
class TextGeneratorTest {
  private static final String PROMPT = "Once upon a time";
  private static Gpt2Model model;
  private static TextGenerator generator;

  @BeforeAll
  static void load() {
    var config = Gpt2Config.builder().nEmbd(32).nLayer(2).nHead(2).nPositions(64).build();
    model = Gpt2Model.random(config, Device.cpu(1), 1);
    generator = TextGenerator.of(model, Tokenizer.gpt2());
  }

  @AfterAll
  static void close() {
    generator.close();
    model.close();
  }

  private static Consumer<GenerationConfig.Builder> seeded(int sequences) {
    return g -> g.maxLength(30).numReturnSequences(sequences).seed(42);
  }

  @Test
  void theLabsCallGivesFiveTexts() {
    var texts = generator.generate(PROMPT, seeded(5));
    assertThat(texts).hasSize(5).doesNotHaveDuplicates().allMatch(t -> t.startsWith(PROMPT));
    assertThat(generator.generate(PROMPT, seeded(5))).isEqualTo(texts);
    assertThat(generator.generate(PROMPT, g -> seeded(5).accept(g.returnFullText(false))))
        .isEqualTo(texts.stream().map(t -> t.substring(PROMPT.length())).toList());
  }

  @Test
  void withoutASeedTheGlobalOneCounts() {
    Ggml4j.setSeed(1);
    var first = List.of(generator.generate(PROMPT), generator.generate(PROMPT));
    Ggml4j.setSeed(1);
    assertThat(List.of(generator.generate(PROMPT), generator.generate(PROMPT))).isEqualTo(first);
    assertThat(first).doesNotHaveDuplicates();
  }

  @Test
  void whatTheModelBringsAlongHoldsWhereACallSetsNothing(@TempDir Path folder) throws IOException {
    generator.save(folder, Quantization.F32);
    Files.writeString(
        folder.resolve("generation_config.json"),
        """
        {"do_sample": true, "temperature": 0.7, "top_k": 5, "top_p": 0.9, "min_p": null,
         "typical_p": 0.95, "repetition_penalty": 1.2, "no_repeat_ngram_size": 2, "num_beams": 1,
         "length_penalty": 0.5, "early_stopping": "never", "max_new_tokens": 7, "min_length": 3,
         "bad_words_ids": [[5, 6], [7]], "forced_eos_token_id": 9, "stop_strings": ["x"],
         "eos_token_id": [50256, 11], "num_return_sequences": 3, "transformers_version": "5"}
        """);
    Consumer<GenerationConfig.Builder> same =
        g ->
            g.doSample(true)
                .temperature(0.7)
                .topK(5)
                .topP(0.9)
                .typicalP(0.95)
                .repetitionPenalty(1.2)
                .noRepeatNgramSize(2)
                .lengthPenalty(0.5)
                .earlyStopping(EarlyStopping.NEVER)
                .maxNewTokens(7)
                .minLength(3)
                .badWordsIds(List.of(List.of(5, 6), List.of(7)))
                .forcedEosTokenIds(9)
                .stopStrings("x");
    var expected = GenerationConfig.builder();
    same.accept(expected);
    try (var loaded = TextGenerator.load(folder)) {
      assertThat(loaded.defaults()).isEqualTo(expected.build());
      var text = loaded.generate(PROMPT, g -> g.seed(4)).getFirst();
      assertThat(generator.generate(PROMPT, same.andThen(g -> g.seed(4).eosTokenIds(50256, 11))))
          .containsExactly(text);
      // Options of a call go before
      Consumer<GenerationConfig.Builder> call = g -> g.topK(1).repetitionPenalty(1).seed(4);
      assertThat(loaded.generate(PROMPT, call)).doesNotContain(text);
    }
  }

  @Test
  void aModelThatBringsNothingSamples(@TempDir Path folder) throws IOException {
    var sampling = GenerationConfig.builder().doSample(true).build();
    assertThat(generator.defaults()).isEqualTo(sampling);
    generator.save(folder, Quantization.F32);
    for (var silent :
        List.of("{\"eos_token_id\": 50256}", "{\"temperature\": 0.0, \"top_k\": 50}")) {
      Files.writeString(folder.resolve("generation_config.json"), silent);
      try (var loaded = TextGenerator.load(folder)) {
        assertThat(loaded.defaults()).isEqualTo(sampling);
      }
    }
    Files.writeString(folder.resolve("generation_config.json"), "{\"num_beams\": 4}");
    try (var loaded = TextGenerator.load(folder)) {
      assertThat(loaded.defaults()).isEqualTo(GenerationConfig.builder().numBeams(4).build());
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\"do_sample\": 1",
        "\"temperature\": \"hot\"",
        "\"top_k\": 1.5",
        "\"bad_words_ids\": [[null]]",
        "\"stop_strings\": [1]",
        "\"early_stopping\": \"soon\""
      })
  void badDefaultsAreNamed(String entry, @TempDir Path folder) throws IOException {
    generator.save(folder, Quantization.F32);
    Files.writeString(folder.resolve("generation_config.json"), "{" + entry + "}");
    try (var loaded = TextGenerator.load(folder)) {
      assertThatThrownBy(() -> loaded.generate(PROMPT))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("generation_config.json")
          .hasMessageContaining(entry.substring(1, entry.indexOf('"', 1)) + " is ");
    }
  }

  @Test
  void detailsFitTheText() {
    for (var sequence : generator.generateDetailed(PROMPT, seeded(2))) {
      assertThat(PROMPT + generator.tokenizer().decode(sequence.ids(), true))
          .isEqualTo(sequence.text());
      assertThat(sequence.logProbs()).hasSize(sequence.ids().length);
      assertThat(sequence.finishReason()).isEqualTo(FinishReason.LENGTH);
    }
  }

  @Test
  void aBatchKeepsItsOrder() {
    var prompts = List.of(PROMPT, "def sum(a, b):", "A");
    var texts = generator.generateBatch(prompts, seeded(2));
    for (int i = 0; i < 3; i++) {
      assertThat(texts.get(i)).isEqualTo(generator.generate(prompts.get(i), seeded(2)));
    }
  }

  @Test
  void streamsAndListenersGiveTheTextInPieces() {
    String text = generator.generate(PROMPT, seeded(1)).getFirst();
    try (var stream = generator.stream(PROMPT, seeded(1))) {
      assertThat(PROMPT + stream.collect(Collectors.joining())).isEqualTo(text);
    }
    var pieces = new StringBuilder(PROMPT);
    assertThat(generator.generate(PROMPT, seeded(1), t -> pieces.append(t.text())))
        .containsExactly(text);
    assertThat(pieces).hasToString(text);
    try (var stream = generator.streamTokens(PROMPT, seeded(3))) {
      assertThat(stream.filter(t -> t.finishReason() != null)).hasSize(3);
    }
    assertThatThrownBy(() -> generator.stream(PROMPT, seeded(3)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("numReturnSequences is 3");
  }

  @Test
  void beamsAndGreedySearchNeedNoSeed() {
    for (int beams : new int[] {1, 3}) {
      Consumer<GenerationConfig.Builder> options = g -> g.doSample(false).numBeams(beams);
      assertThat(generator.generate(PROMPT, options))
          .isEqualTo(generator.generate(PROMPT, options));
    }
  }

  @Test
  void stopStringsAndBadWordsAreTexts() {
    String text = generator.generate(PROMPT, seeded(1)).getFirst();
    String stop = text.substring(PROMPT.length() + 10, PROMPT.length() + 13);
    assertThat(
            generator.generate(
                PROMPT, g -> seeded(1).accept(g.stopStrings(stop).trimStopStrings(true))))
        .containsExactly(text.substring(0, text.indexOf(stop, PROMPT.length())));
    int the = generator.tokenizer().encode(" the")[0];
    Consumer<GenerationConfig.Builder> wantsThe =
        g -> g.doSample(false).repetitionPenalty(1e-4).eosTokenIds();
    String theOnly = PROMPT + " the";
    assertThat(generator.generateDetailed(theOnly, wantsThe).getFirst().ids()).contains(the);
    assertThat(
            generator
                .generateDetailed(theOnly, g -> wantsThe.accept(g.badWords("the")))
                .getFirst()
                .ids())
        .doesNotContain(the);
  }

  @Test
  void manyThreadsShareOneModel() throws Exception {
    var expected = generator.generate(PROMPT, seeded(2));
    var results = new ArrayList<Future<List<String>>>();
    try (var threads = Executors.newFixedThreadPool(4)) {
      for (int i = 0; i < 12; i++) {
        results.add(threads.submit(() -> generator.generate(PROMPT, seeded(2))));
      }
    }
    for (var result : results) {
      assertThat(result.get()).isEqualTo(expected);
    }
  }

  @Test
  void anInterruptEndsAStream() {
    try (var stream = generator.stream(PROMPT, seeded(1))) {
      var iterator = stream.iterator();
      iterator.next();
      Thread.currentThread().interrupt();
      assertThatThrownBy(() -> iterator.forEachRemaining(_ -> {}))
          .isInstanceOf(CancellationException.class);
    }
    assertThat(Thread.interrupted()).isTrue();
    assertThat(generator.generate(PROMPT, seeded(1))).hasSize(1);
  }

  @Test
  void emptyAndOverlongPromptsAreNamed() {
    assertThatThrownBy(() -> generator.generate(""))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("prompt is empty");
    assertThat(generator.generate("", g -> g.allowEmptyPrompt(true).maxNewTokens(3))).hasSize(1);
    assertThatThrownBy(() -> generator.generate("word ".repeat(80)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("n_positions, which is 64");
  }

  @Test
  void whatIsNoModelIsNamed() {
    assertThatThrownBy(() -> TextGenerator.load("./none.gguf"))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("none.gguf")
        .hasMessageContaining("looked for")
        .hasMessageContaining("Hub");
  }

  @Test
  void whatIsNotHereIsLookedForOnTheHub(@TempDir Path cache) {
    assertThatThrownBy(
            () -> TextGenerator.load("openai-community/none", o -> o.offline(true).cache(cache)))
        .isInstanceOf(HubException.class)
        .hasMessageContaining("no file or folder 'openai-community/none'")
        .hasMessageContaining("not in the cache")
        .hasMessageContaining("HF_HUB_OFFLINE");
  }

  @Test
  void afterCloseNothingWorks() {
    var own = TextGenerator.of(model, Tokenizer.gpt2());
    own.generate(PROMPT);
    own.close();
    own.close();
    assertThatThrownBy(() -> own.generate(PROMPT))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("Already closed: text generator");
    assertThatThrownBy(own::model).isInstanceOf(IllegalStateException.class);
    assertThat(generator.generate(PROMPT)).startsWith(PROMPT);
  }

  @Test
  void aGeneratorWithAnOpenStreamStaysUsable() {
    var own = TextGenerator.load("bundled");
    var stream = own.stream(PROMPT, g -> g.maxNewTokens(3)).iterator();
    stream.next();
    assertThatThrownBy(own::close)
        .hasMessageContaining("in use by 1 generation")
        .hasMessageContaining("closeNow()");
    assertThat(own.generate(PROMPT)).startsWith(PROMPT);
    while (stream.hasNext()) {
      stream.next();
    }
    own.close();
    assertThatThrownBy(() -> own.generate(PROMPT)).hasMessage("Already closed: text generator");
  }

  @Test
  void aRefusedCloseDoesNotDisturbRunningCalls() throws Exception {
    var own = TextGenerator.load("bundled");
    var step = new CountDownLatch(1);
    var goOn = new CountDownLatch(1);
    LogitsProcessor waiting =
        (tokens, _) -> {
          step.countDown();
          await(goOn);
        };
    try (var threads = Executors.newSingleThreadExecutor()) {
      var call =
          threads.submit(
              () -> own.generate(PROMPT, g -> seeded(1).accept(g.logitsProcessor(waiting))));
      await(step);
      assertThatThrownBy(own::close).hasMessageContaining("in use by 1 generation");
      goOn.countDown();
      assertThat(call.get().getFirst()).startsWith(PROMPT);
    }
    own.close();
  }

  @Test
  void closeNowCancelsCallsAndStreams() throws Exception {
    var own = TextGenerator.load("bundled");
    var step = new CountDownLatch(1);
    LogitsProcessor slow =
        (_, _) -> {
          step.countDown();
          sleep();
        };
    var stream = own.stream(PROMPT, g -> g.maxNewTokens(30)).iterator();
    stream.next();
    try (var threads = Executors.newSingleThreadExecutor()) {
      var call =
          threads.submit(
              () -> own.generate(PROMPT, g -> g.maxNewTokens(200).logitsProcessor(slow)));
      await(step);
      own.closeNow();
      assertThatThrownBy(call::get).hasCauseInstanceOf(CancellationException.class);
    }
    assertThatThrownBy(() -> stream.forEachRemaining(_ -> {}))
        .isInstanceOf(CancellationException.class)
        .hasMessageContaining("closed");
    assertThatThrownBy(() -> own.generate(PROMPT)).hasMessage("Already closed: text generator");
    own.closeNow();
  }

  private static void await(CountDownLatch latch) {
    try {
      assertThat(latch.await(10, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private static void sleep() {
    try {
      Thread.sleep(20);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Test
  void streamedTokensHaveLogProbabilities() {
    var details = generator.generateDetailed(PROMPT, seeded(1)).getFirst();
    try (var stream = generator.streamTokens(PROMPT, seeded(1))) {
      var tokens = stream.toList();
      assertThat(tokens).hasSize(details.logProbs().length);
      for (int i = 0; i < tokens.size(); i++) {
        assertThat(tokens.get(i).logProb()).isEqualTo(details.logProbs()[i]);
      }
    }
  }

  @Test
  void theModelsOptionsYieldToACall(@TempDir Path folder) throws IOException {
    generator.save(folder, Quantization.F32);
    Files.writeString(
        folder.resolve("generation_config.json"),
        "{\"num_beams\": 3, \"min_new_tokens\": 12, \"max_new_tokens\": 30}");
    try (var loaded = TextGenerator.load(folder)) {
      try (var stream = loaded.streamTokens(PROMPT, g -> g.maxNewTokens(5))) {
        assertThat(stream).hasSize(5);
      }
      assertThat(loaded.generateDetailed(PROMPT, g -> g.maxNewTokens(5)).getFirst().ids())
          .hasSize(5);
      assertThatThrownBy(() -> loaded.stream(PROMPT, g -> g.numBeams(2)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("numBeams is 2");
      assertThatThrownBy(() -> loaded.generate(PROMPT, g -> g.numReturnSequences(5)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("numReturnSequences is 5")
          .hasMessageContaining("at most the model's num_beams, which is 3");
      assertThatThrownBy(() -> loaded.generate(PROMPT, g -> g.numReturnSequences(5).numBeams(2)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("at most numBeams, which is 2");
    }
  }

  @Test
  void buildingDoesNotChangeTheBuilder(@TempDir Path folder) throws IOException {
    generator.save(folder, Quantization.F32);
    Files.writeString(
        folder.resolve("generation_config.json"), "{\"num_beams\": 4, \"min_new_tokens\": 14}");
    var logged = new ArrayList<String>();
    try (var loaded = TextGenerator.load(folder)) {
      var builder = GenerationConfig.builder(loaded.model()).maxNewTokens(6);
      logging(logged, () -> assertThat(builder.buildForStream().numBeams()).isEqualTo(1));
      assertThat(logged)
          .containsExactly(
              "The model's num_beams is 4; a stream uses 1, because beam search decides on its"
                  + " tokens only at the end",
              "The model's min_new_tokens is 14, but maxNewTokens is 6; 6 is used");
      assertThat(builder.build().minNewTokens()).isEqualTo(6);
      var longer = builder.maxNewTokens(50).build();
      assertThat(longer.minNewTokens()).isEqualTo(14);
      assertThat(longer.numBeams()).isEqualTo(4);
      assertThat(longer.toBuilder().build()).isEqualTo(longer);
      assertThatThrownBy(() -> longer.toBuilder().maxNewTokens(6).build())
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("minNewTokens is 14");
    }
  }

  @Test
  void whatIsNotUsedIsLogged(@TempDir Path folder) throws IOException {
    generator.save(folder, Quantization.F32);
    Files.writeString(
        folder.resolve("generation_config.json"),
        """
        {"num_beam_groups": 2, "penalty_alpha": 0.6, "top_q": 3, "diversity_penalty": 0.0,
         "use_cache": true, "token_healing": null, "transformers_version": "4.1",
         "is_assistant": true, "use_mtp": true, "assistant_ensemble_weight": 0.5}
        """);
    var logged = new ArrayList<String>();
    try (var loaded = TextGenerator.load(folder)) {
      logging(
          logged,
          () -> {
            loaded.generate(PROMPT);
            loaded.generate(PROMPT);
          });
    }
    assertThat(logged)
        .hasSize(6)
        .anyMatch(m -> m.contains("is_assistant is true") && m.contains("not supported"))
        .anyMatch(m -> m.contains("use_mtp is true") && m.contains("not used"))
        .anyMatch(m -> m.contains("assistant_ensemble_weight is 0.5"))
        .anyMatch(m -> m.contains("num_beam_groups is 2") && m.contains("not used"))
        .anyMatch(m -> m.contains("penalty_alpha is 0.6") && m.contains("not supported"))
        .anyMatch(m -> m.contains("top_q is 3") && m.contains("not a known option"));
  }

  /** Adds the warnings of generation during an action to a list. */
  private static void logging(List<String> messages, Runnable action) {
    var logger = Logger.getLogger("io.github.ggml4j.generation");
    var handler = handler(messages);
    logger.addHandler(handler);
    try {
      action.run();
    } finally {
      logger.removeHandler(handler);
    }
  }

  private static Handler handler(List<String> messages) {
    return new Handler() {
      @Override
      public void publish(LogRecord entry) {
        messages.add(entry.getMessage());
      }

      @Override
      public void flush() {
        // nothing is buffered
      }

      @Override
      public void close() {
        // nothing is open
      }
    };
  }

  @Test
  void theVersionIsKnownInAJar() {
    assertThat(Ggml4j.version()).isNotEmpty();
  }
}
