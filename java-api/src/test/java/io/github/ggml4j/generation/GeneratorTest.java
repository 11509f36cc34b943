package io.github.ggml4j.generation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.ggml4j.internal.GlobalSeed;
import io.github.ggml4j.tensor.internal.Exp;
import io.github.ggml4j.tokenizer.Tokenizer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** The loop over a decoder that is a table. */
class GeneratorTest {
  private static final int VOCAB = 40;
  private static final int EOS = 39;
  private static final int POSITIONS = 64;
  private static final FakeDecoder.Table TABLE = FakeDecoder.random(VOCAB, 11);

  private final List<FakeDecoder> opened = new ArrayList<>();

  private Generator generator(FakeDecoder.Table table, Tokenizer tokenizer) {
    return new Generator(
        new ModelLimits(VOCAB, POSITIONS, null, List.of(EOS)),
        tokenizer,
        new SpareDecoder((_, _) -> open(table)));
  }

  private Generator generator() {
    return generator(TABLE, Tokenizer.gpt2());
  }

  private synchronized FakeDecoder open(FakeDecoder.Table table) {
    var decoder = new FakeDecoder(table);
    opened.add(decoder);
    return decoder;
  }

  private static GenerationConfig.Builder sampling() {
    return GenerationConfig.builder().doSample(true).maxNewTokens(12).seed(42).eosTokenIds();
  }

  private static List<int[]> ids(List<GeneratedSequence> sequences) {
    return sequences.stream().map(GeneratedSequence::ids).toList();
  }

  private static final int[] PROMPT = {1, 2, 3};

  @Test
  void greedySearchTakesTheMostLikely() {
    var sequence =
        generator()
            .generate(List.of(PROMPT), GenerationConfig.builder().eosTokenIds().build())
            .getFirst()
            .getFirst();
    int[] tokens = PROMPT;
    for (int id : sequence.ids()) {
      float[] logits = TABLE.logits(tokens);
      for (float logit : logits) {
        assertThat(logit).isLessThanOrEqualTo(logits[id]);
      }
      tokens = Arrays.copyOf(tokens, tokens.length + 1);
      tokens[tokens.length - 1] = id;
    }
    assertThat(sequence.ids()).hasSize(GenerationConfig.DEFAULT_NEW_TOKENS);
    assertThat(sequence.finishReason()).isEqualTo(FinishReason.LENGTH);
  }

  @Test
  void aPromptIsComputedOnceAndAllSequencesAdvanceTogether() {
    generator().generate(List.of(PROMPT), sampling().numReturnSequences(5).build());
    var decoder = opened.getFirst();
    assertThat(decoder.promptTokens).isEqualTo(3);
    assertThat(decoder.stepSizes).hasSize(12).startsWith(1, 5, 5).endsWith(5);
    assertThat(decoder.sequences).isEmpty();
  }

  @Test
  void equalPromptsOfABatchAreComputedOnce() {
    generator()
        .generate(
            List.of(PROMPT, new int[] {4, 5}, PROMPT.clone()),
            sampling().numReturnSequences(2).build());
    var decoder = opened.getFirst();
    assertThat(decoder.promptTokens).isEqualTo(5);
    assertThat(decoder.stepSizes).startsWith(2, 6);
  }

  @Test
  void aSeedRepeatsAndSequencesDiffer() {
    var config = sampling().numReturnSequences(5).build();
    var first = generator().generate(List.of(PROMPT), config).getFirst();
    var second = generator().generate(List.of(PROMPT), config).getFirst();
    var other =
        generator().generate(List.of(PROMPT), config.toBuilder().seed(43).build()).getFirst();
    assertThat(second).isEqualTo(first);
    assertThat(ids(first)).doesNotHaveDuplicates();
    assertThat(other).isNotEqualTo(first);
  }

  @Test
  void moreSequencesDoNotChangeTheFirst() {
    var two = generator().generate(List.of(PROMPT), sampling().numReturnSequences(2).build());
    var five = generator().generate(List.of(PROMPT), sampling().numReturnSequences(5).build());
    assertThat(five.getFirst().subList(0, 2)).isEqualTo(two.getFirst());
  }

  @Test
  void aBatchGivesWhatEachPromptGivesAlone() {
    var prompts = List.of(PROMPT, new int[] {7}, new int[] {9, 8, 7, 6, 5, 4}, PROMPT);
    for (var config :
        List.of(
            sampling().numReturnSequences(3).eosTokenIds(EOS, 5).build(),
            sampling().maxLength(20).build(),
            GenerationConfig.builder().eosTokenIds(EOS, 5).maxNewTokens(30).build(),
            sampling().doSample(false).numBeams(4).numReturnSequences(2).build(),
            sampling().numBeams(3).eosTokenIds(EOS, 5).logProbs(true).build())) {
      var batch = generator().generate(prompts, config);
      for (int i = 0; i < prompts.size(); i++) {
        assertThat(batch.get(i))
            .isEqualTo(generator().generate(List.of(prompts.get(i)), config).getFirst());
      }
    }
  }

  @Test
  void theGlobalSeedRepeatsARowOfCalls() {
    var unseeded = GenerationConfig.builder().doSample(true).maxNewTokens(12).eosTokenIds().build();
    var generator = generator();
    GlobalSeed.set(7);
    var first = generator.generate(List.of(PROMPT), unseeded);
    var second = generator.generate(List.of(PROMPT), unseeded);
    GlobalSeed.set(7);
    assertThat(generator.generate(List.of(PROMPT), unseeded)).isEqualTo(first);
    assertThat(generator.generate(List.of(PROMPT), unseeded)).isEqualTo(second).isNotEqualTo(first);
  }

  @Test
  void threadsDoNotDisturbEachOther() throws Exception {
    var generator = generator();
    var expected = new ArrayList<List<List<GeneratedSequence>>>();
    for (int seed = 0; seed < 40; seed++) {
      expected.add(generator.generate(List.of(PROMPT), sampling().seed(seed).build()));
    }
    var results = new ArrayList<Future<List<List<GeneratedSequence>>>>();
    try (var threads = Executors.newFixedThreadPool(4)) {
      for (int seed = 0; seed < 40; seed++) {
        var config = sampling().seed(seed).build();
        results.add(threads.submit(() -> generator.generate(List.of(PROMPT), config)));
      }
    }
    for (int seed = 0; seed < 40; seed++) {
      assertThat(results.get(seed).get()).isEqualTo(expected.get(seed));
    }
  }

  @Test
  void endOfSequenceEndsASequenceAndIsAmongItsIds() {
    FakeDecoder.Table counting = tokens -> oneHot((tokens[tokens.length - 1] + 1) % VOCAB);
    var sequence =
        generator(counting, Tokenizer.gpt2())
            .generate(List.of(new int[] {35}), GenerationConfig.defaults())
            .getFirst()
            .getFirst();
    assertThat(sequence.ids()).containsExactly(36, 37, 38, 39);
    assertThat(sequence.finishReason()).isEqualTo(FinishReason.EOS);
    assertThat(opened.getFirst().sequences).isEmpty();
  }

  @Test
  void finishedSequencesMakeRoom() {
    var config = sampling().maxNewTokens(40).numReturnSequences(6).eosTokenIds(1, 2, 3, 4).build();
    generator().generate(List.of(PROMPT), config);
    var steps = opened.getFirst().stepSizes;
    assertThat(steps.subList(1, steps.size()))
        .isSortedAccordingTo((a, b) -> Integer.compare(b, a))
        .first()
        .isEqualTo(6);
    assertThat(steps.getLast()).isLessThan(6);
  }

  private static float[] oneHot(int token) {
    float[] logits = new float[VOCAB];
    logits[token] = 5;
    return logits;
  }

  @Test
  void lengthsCountAsInHuggingFace() {
    var byLength = GenerationConfig.builder().maxLength(10).eosTokenIds().build();
    var byBoth = GenerationConfig.builder().maxLength(10).maxNewTokens(2).eosTokenIds().build();
    assertThat(generated(byLength)).isEqualTo(7);
    assertThat(generated(byBoth)).isEqualTo(2);
    FakeDecoder.Table ending = _ -> oneHot(EOS);
    for (var config :
        List.of(
            GenerationConfig.builder().minLength(8).build(),
            GenerationConfig.builder().minNewTokens(5).build(),
            GenerationConfig.builder().minNewTokens(5).minLength(1).build())) {
      var sequence =
          generator(ending, Tokenizer.gpt2())
              .generate(List.of(PROMPT), config)
              .getFirst()
              .getFirst();
      assertThat(sequence.ids()).hasSize(6).endsWith(EOS);
    }
  }

  private int generated(GenerationConfig config) {
    return generator().generate(List.of(PROMPT), config).getFirst().getFirst().ids().length;
  }

  @Test
  void theLastPositionIsUsed() {
    var config = GenerationConfig.builder().maxLength(POSITIONS).eosTokenIds().build();
    assertThat(generated(config)).isEqualTo(POSITIONS - 3);
    var unlimited = GenerationConfig.builder().eosTokenIds().build();
    var longPrompt = new int[POSITIONS - 4];
    assertThat(generator().generate(List.of(longPrompt), unlimited).getFirst().getFirst().ids())
        .hasSize(4);
  }

  @Test
  void ownProcessorsSeeTheSequenceAndDecide() {
    var lengths = new ArrayList<Integer>();
    var config =
        sampling()
            .logitsProcessor((tokens, logits) -> {
              lengths.add(tokens.length);
              assertThat(tokens).startsWith(PROMPT);
              Arrays.fill(logits, Float.NEGATIVE_INFINITY);
              logits[tokens.length] = 1;
            })
            .maxNewTokens(3)
            .build();
    assertThat(generator().generate(List.of(PROMPT), config).getFirst().getFirst().ids())
        .containsExactly(3, 4, 5);
    assertThat(lengths).containsExactly(3, 4, 5);
  }

  @Test
  void logProbabilitiesAreTheModelsAndTheProcessed() {
    var config = sampling().topK(2).temperature(0.5).maxNewTokens(1).logProbs(true).build();
    var sequence = generator().generate(List.of(PROMPT), config).getFirst().getFirst();
    float[] logits = TABLE.logits(PROMPT);
    int chosen = sequence.ids()[0];
    double logSum = Exp.logSumExp(logits, VOCAB);
    float[] sorted = logits.clone();
    Arrays.sort(sorted);
    float[] two = {2 * sorted[VOCAB - 1], 2 * sorted[VOCAB - 2]};
    assertThat(sequence.logProbs()[0]).isCloseTo((float) (logits[chosen] - logSum), within(1e-5f));
    assertThat(sequence.transitionScores()[0])
        .isCloseTo((float) (2 * logits[chosen] - Exp.logSumExp(two, 2)), within(1e-5f));
    assertThat(
            generator()
                .generate(List.of(PROMPT), sampling().build())
                .getFirst()
                .getFirst()
                .logProbs())
        .isEmpty();
  }

  @Test
  void listenersHearEveryTokenInTurn() {
    var heard = new ArrayList<GeneratedToken>();
    var config = sampling().numReturnSequences(2).build();
    var result = generator().generate(List.of(PROMPT), config, heard::add).getFirst();
    for (int i = 0; i < 2; i++) {
      int sequence = i;
      assertThat(heard.stream().filter(t -> t.sequence() == sequence).mapToInt(GeneratedToken::id))
          .containsExactly(Arrays.stream(result.get(i).ids()).boxed().toArray(Integer[]::new));
    }
    assertThat(heard.getLast().finishReason()).isEqualTo(FinishReason.LENGTH);
    assertThat(heard.getFirst().finishReason()).isNull();
  }

  @Test
  void aStreamComputesWhatIsReadAndClosingEndsIt() {
    var config = sampling().build();
    try (var stream = generator().stream(List.of(PROMPT), config)) {
      assertThat(opened.getFirst().stepSizes).isEmpty();
      var iterator = stream.iterator();
      iterator.next();
      iterator.next();
      assertThat(opened.getFirst().stepSizes).hasSize(2);
    }
    assertThat(opened.getFirst().closed).isEqualTo(1);
  }

  @Test
  void aStreamReadToItsEndGivesItsMemoryBack() {
    var generator = generator();
    var config = sampling().build();
    var expected = generator.generate(List.of(PROMPT), config).getFirst().getFirst();
    for (int i = 0; i < 3; i++) {
      assertThat(generator.stream(List.of(PROMPT), config).mapToInt(GeneratedToken::id))
          .containsExactly(Arrays.stream(expected.ids()).boxed().toArray(Integer[]::new));
    }
    assertThat(opened).hasSize(1);
    assertThat(opened.getFirst().closed).isZero();
    generator.close();
    generator.close();
    assertThat(opened.getFirst().closed).isEqualTo(1);
    assertThatThrownBy(() -> generator.generate(List.of(PROMPT), config))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("Already closed: generator");
  }

  @Test
  void aLimitedStreamComputesNoMore() {
    var config = sampling().build();
    try (var stream = generator().stream(List.of(PROMPT), config)) {
      assertThat(stream.limit(3).count()).isEqualTo(3);
    }
    assertThat(opened.getFirst().stepSizes).hasSize(3);
  }

  @Test
  void closingAStreamDuringAStepLetsItFinishAndFreesAll() throws Exception {
    var inStep = new CountDownLatch(1);
    var goOn = new CountDownLatch(1);
    FakeDecoder.Table slow =
        tokens -> {
          inStep.countDown();
          await(goOn);
          return TABLE.logits(tokens);
        };
    var stream = generator(slow, Tokenizer.gpt2()).stream(List.of(PROMPT), sampling().build());
    var read = new AtomicInteger();
    try (var thread = Executors.newSingleThreadExecutor()) {
      var reader = thread.submit(() -> stream.forEach(_ -> read.incrementAndGet()));
      await(inStep);
      stream.close();
      goOn.countDown();
      reader.get(10, TimeUnit.SECONDS);
    }
    assertThat(read.get()).isZero();
    assertThat(opened.getFirst().stepSizes).hasSize(1);
    assertThat(opened.getFirst().closed).isEqualTo(1);
  }

  private static void await(CountDownLatch latch) {
    try {
      assertThat(latch.await(10, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void anInterruptEndsTheWork() {
    var config =
        sampling()
            .logitsProcessor((tokens, _) -> {
              if (tokens.length == 6) {
                Thread.currentThread().interrupt();
              }
            })
            .build();
    assertThatThrownBy(() -> generator().generate(List.of(PROMPT), config))
        .isInstanceOf(CancellationException.class);
    assertThat(Thread.interrupted()).isTrue();
    assertThat(opened.getFirst().stepSizes).hasSize(4);
    assertThat(opened.getFirst().closed).isEqualTo(1);
  }

  @Test
  void anExceptionOfAListenerOrProcessorFreesAll() {
    var generator = generator();
    for (int i = 0; i < 2; i++) {
      assertThatThrownBy(() ->
              generator.generate(
                  List.of(PROMPT),
                  sampling().build(),
                  _ -> {
                    throw new UnsupportedOperationException("no");
                  }))
          .isInstanceOf(UnsupportedOperationException.class);
    }
    assertThat(opened).hasSize(2).allMatch(decoder -> decoder.closed == 1);
  }

  @Test
  void beamSearchSharesThePromptAndReleasesEverything() {
    var config =
        GenerationConfig.builder().numBeams(4).numReturnSequences(4).maxNewTokens(8).build();
    var sequences = generator().generate(List.of(PROMPT), config).getFirst();
    var decoder = opened.getFirst();
    assertThat(decoder.promptTokens).isEqualTo(3);
    assertThat(decoder.stepSizes).startsWith(1, 4);
    assertThat(decoder.sequences).isEmpty();
    assertThat(sequences)
        .hasSize(4)
        .isSortedAccordingTo((a, b) -> Float.compare(b.score(), a.score()));
    assertThat(ids(sequences)).doesNotHaveDuplicates();
  }

  @Test
  void beamTransitionScoresAddUpToTheScore() {
    var config =
        GenerationConfig.builder()
            .numBeams(3)
            .numReturnSequences(3)
            .maxNewTokens(9)
            .logProbs(true)
            .lengthPenalty(1.5)
            .build();
    for (var sequence : generator().generate(List.of(PROMPT), config).getFirst()) {
      double sum = 0;
      for (int i = 0; i < sequence.ids().length; i++) {
        sum += sequence.transitionScores()[i];
        assertThat(sequence.logProbs()[i]).isEqualTo(sequence.transitionScores()[i]);
      }
      assertThat(sequence.score())
          .isCloseTo((float) (sum / Math.pow(sequence.ids().length, 1.5)), within(1e-5f));
    }
  }

  @Test
  void beamSamplingDrawsByProbability() {
    var config = sampling().topK(0).numBeams(2).maxNewTokens(1).build();
    float[] logits = TABLE.logits(PROMPT);
    double best = logits[Sampler.argmax(logits)] - Exp.logSumExp(logits, VOCAB);
    int hits = 0;
    for (int seed = 0; seed < 2000; seed++) {
      var sequence =
          generator()
              .generate(List.of(PROMPT), config.toBuilder().seed(seed).logProbs(true).build())
              .getFirst()
              .getFirst();
      hits += sequence.ids()[0] == Sampler.argmax(logits) ? 1 : 0;
    }
    // It is returned when it is drawn first or second of two.
    double p = Math.exp(best);
    double second = 0;
    for (int i = 0; i < VOCAB; i++) {
      double q = Math.exp(logits[i] - Exp.logSumExp(logits, VOCAB));
      second += i == Sampler.argmax(logits) ? 0 : q * p / (1 - q);
    }
    assertThat(hits / 2000.0).isCloseTo(p + second, within(0.05));
  }

  @Test
  void streamsAreNotForBeams() {
    var config = GenerationConfig.builder().numBeams(2).build();
    assertThatThrownBy(() -> generator().stream(List.of(PROMPT), config))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("numBeams is 2");
  }

  @Test
  void promptLookupGivesTheSameTextInFewerSteps() {
    int[] prompt = {1, 2, 3, 4, 5, 1, 2, 3, 4, 5, 1, 2};
    // Mostly counts up to 5 and begins again, and now and then does something else.
    FakeDecoder.Table table =
        tokens -> {
          float[] logits = TABLE.logits(tokens);
          logits[tokens[tokens.length - 1] % 5 + 1] += tokens.length % 7 == 0 ? 0 : 9;
          return logits;
        };
    for (var plain :
        List.of(
            builder().eosTokenIds().maxNewTokens(40).logProbs(true).build(),
            builder().eosTokenIds(6, 7).maxNewTokens(40).build(),
            sampling().maxNewTokens(40).numReturnSequences(3).logProbs(true).build())) {
      opened.clear();
      var expected = generator(table, Tokenizer.gpt2()).generate(List.of(prompt), plain);
      for (int tokens : new int[] {1, 4, 100}) {
        var lookup = plain.toBuilder().promptLookupNumTokens(tokens).maxMatchingNgramSize(3);
        var heard = new ArrayList<Integer>();
        assertThat(
                generator(table, Tokenizer.gpt2())
                    .generate(List.of(prompt), lookup.build(), token -> heard.add(token.id())))
            .isEqualTo(expected);
        assertThat(heard).hasSize(expected.getFirst().stream().mapToInt(s -> s.ids().length).sum());
        assertThat(opened.getLast().stepSizes.size())
            .isLessThan(opened.getFirst().stepSizes.size());
        assertThat(opened.getLast().sequences).isEmpty();
      }
    }
  }

  @Test
  void promptLookupProposesWhatFollowedTheLongestMatch() {
    int[] tokens = {9, 1, 2, 5, 6, 7, 2, 8, 1, 2, 0, 0};
    assertThat(PromptLookup.propose(tokens, 10, 3, 2)).containsExactly(5, 6, 7);
    assertThat(PromptLookup.propose(tokens, 10, 99, 1)).containsExactly(5, 6, 7, 2, 8, 1, 2);
    assertThat(PromptLookup.propose(tokens, 8, 3, 2)).isEmpty();
    assertThat(PromptLookup.propose(tokens, 1, 3, 2)).isEmpty();
  }

  @Test
  void guidanceAdvancesASecondSequenceAndReleasesIt() {
    var config =
        builder().eosTokenIds().guidanceScale(1.7).negativePromptIds(7, 8).maxNewTokens(6).build();
    var both = generator().generate(List.of(PROMPT, new int[] {5}), config);
    assertThat(opened.getFirst().stepSizes).startsWith(3, 4);
    assertThat(opened.getFirst().sequences).isEmpty();
    assertThat(both.get(0)).isEqualTo(generator().generate(List.of(PROMPT), config).getFirst());
    float[] logits = TABLE.logits(PROMPT);
    float[] negative = TABLE.logits(new int[] {7, 8});
    for (int i = 0; i < VOCAB; i++) {
      logits[i] = 1.7f * (logits[i] - negative[i]) + negative[i];
    }
    assertThat(both.getFirst().getFirst().ids()[0]).isEqualTo(Sampler.argmax(logits));
    assertRefused(
        PROMPT,
        builder().guidanceScale(2).negativePromptIds(new int[60]).maxNewTokens(9).build(),
        "negativePromptIds is 60 tokens long, expected at most 56 for 9 new tokens");
  }

  @Test
  void theTimeLimitEndsEverySequence() {
    for (int beams : new int[] {1, 3}) {
      var config = builder().maxTime(Duration.ofNanos(1)).numBeams(beams).eosTokenIds().build();
      var sequence = generator().generate(List.of(PROMPT), config).getFirst().getFirst();
      assertThat(sequence.ids()).hasSize(1);
      assertThat(sequence.finishReason()).isEqualTo(FinishReason.TIME);
    }
    var config = builder().maxTime(Duration.ofHours(1)).eosTokenIds().build();
    assertThat(generated(config)).isEqualTo(GenerationConfig.DEFAULT_NEW_TOKENS);
  }

  @Test
  void promptsAreCheckedBeforeAnythingIsComputed() {
    var defaults = GenerationConfig.defaults();
    assertRefused(new int[0], defaults, "prompt is empty");
    assertRefused(new int[POSITIONS], defaults, "prompt is 64 tokens long, expected fewer");
    assertRefused(new int[] {1, VOCAB}, defaults, "prompt[1] is 40, expected 0 to 39");
    assertRefused(new int[] {-1}, defaults, "prompt[0] is -1");
    assertRefused(
        PROMPT, builder().maxLength(3).build(), "maxLength is 3, expected more than the 3");
    assertRefused(PROMPT, builder().maxLength(65).build(), "maxLength is 65, expected at most");
    assertRefused(PROMPT, builder().maxNewTokens(62).build(), "expected at most 61");
    assertRefused(PROMPT, builder().eosTokenIds(40).build(), "eosTokenIds is 40");
    assertRefused(
        PROMPT, builder().badWordsIds(List.of(List.of(1, 77))).build(), "badWordsIds is 77");
    assertThat(opened).isEmpty();
    assertThat(generator().generate(List.of(), defaults)).isEmpty();
  }

  private static GenerationConfig.Builder builder() {
    return GenerationConfig.builder();
  }

  private void assertRefused(int[] prompt, GenerationConfig config, String message) {
    assertThatThrownBy(() -> generator().generate(List.of(prompt), config))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(message);
  }
}
