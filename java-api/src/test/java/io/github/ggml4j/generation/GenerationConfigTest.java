package io.github.ggml4j.generation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Defaults as Hugging Face's, and what is refused. */
class GenerationConfigTest {
  @Test
  void defaultsAreHuggingFaces() {
    var config = GenerationConfig.defaults();
    assertThat(config.doSample()).isFalse();
    assertThat(config.temperature()).isEqualTo(1);
    assertThat(config.topK()).isEqualTo(50);
    assertThat(config.topP()).isEqualTo(1);
    assertThat(config.numBeams()).isEqualTo(1);
    assertThat(config.lengthPenalty()).isEqualTo(1);
    assertThat(config.numReturnSequences()).isEqualTo(1);
    assertThat(config.maxLength()).isNull();
    assertThat(config.maxNewTokens()).isNull();
  }

  @Test
  void aBuilderStartsFromAnyConfiguration() {
    LogitsProcessor own = (_, _) -> {};
    var config =
        GenerationConfig.builder()
            .maxLength(90)
            .maxNewTokens(30)
            .minLength(4)
            .minNewTokens(3)
            .doSample(true)
            .temperature(0.5)
            .topK(7)
            .topP(0.9)
            .minP(0.1)
            .typicalP(0.8)
            .repetitionPenalty(1.2)
            .noRepeatNgramSize(3)
            .badWordsIds(List.of(List.of(1, 2)))
            .badWords("bad")
            .maxTime(Duration.ofSeconds(9))
            .topH(0.6)
            .epsilonCutoff(0.01)
            .etaCutoff(0.02)
            .encoderRepetitionPenalty(1.1)
            .encoderNoRepeatNgramSize(4)
            .sequenceBias(Map.of(List.of(1, 2), 0.5f))
            .suppressTokens(7, 8)
            .beginSuppressTokens(9)
            .forcedBosTokenId(3)
            .exponentialDecayLengthPenalty(4, 1.5)
            .removeInvalidValues(true)
            .renormalizeLogits(true)
            .negativePromptIds(6)
            .maxMatchingNgramSize(5)
            .numBeams(5)
            .lengthPenalty(0.5)
            .earlyStopping(EarlyStopping.NEVER)
            .numReturnSequences(2)
            .stopStrings("a", "b")
            .trimStopStrings(true)
            .eosTokenIds(1, 2)
            .forcedEosTokenIds(1)
            .returnFullText(false)
            .allowEmptyPrompt(true)
            .logProbs(true)
            .seed(42)
            .adapter("adapter")
            .logitsProcessor(own)
            .build();
    assertThat(config.toBuilder().build()).isEqualTo(config);
    assertThat(config).hasNoNullFieldsOrPropertiesExcept("negativePrompt");
    var alone = GenerationConfig.builder().guidanceScale(1.5).negativePrompt("no").build();
    assertThat(alone.toBuilder().build()).isEqualTo(alone);
    var lookup = GenerationConfig.builder().promptLookupNumTokens(3).build();
    assertThat(lookup.toBuilder().build()).isEqualTo(lookup);
  }

  @ParameterizedTest
  @MethodSource
  void badValuesAreNamed(String message, Consumer<GenerationConfig.Builder> values) {
    assertThatThrownBy(
            () -> {
              var builder = GenerationConfig.builder();
              values.accept(builder);
              builder.build();
            })
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(message);
  }

  private static Arguments bad(String message, Consumer<GenerationConfig.Builder> values) {
    return Arguments.of(message, values);
  }

  static Stream<Arguments> badValuesAreNamed() {
    return Stream.of(
        bad("maxLength is 0, expected at least 1", g -> g.maxLength(0)),
        bad("maxNewTokens is -1", g -> g.maxNewTokens(-1)),
        bad("minLength is -1", g -> g.minLength(-1)),
        bad("minNewTokens is -1", g -> g.minNewTokens(-1)),
        bad(
            "minLength is 9, expected at most maxLength, which is 8",
            g -> g.minLength(9).maxLength(8)),
        bad(
            "minNewTokens is 9, expected at most maxNewTokens, which is 8",
            g -> g.minNewTokens(9).maxNewTokens(8)),
        bad("turn doSample off", g -> g.temperature(0)),
        bad("temperature is -1.0", g -> g.temperature(-1)),
        bad("temperature is NaN", g -> g.temperature(Double.NaN)),
        bad("temperature is Infinity", g -> g.temperature(Double.POSITIVE_INFINITY)),
        bad("topK is -1", g -> g.topK(-1)),
        bad("topP is 1.5, expected 0 to 1", g -> g.topP(1.5)),
        bad("topP is NaN", g -> g.topP(Double.NaN)),
        bad("minP is -0.5", g -> g.minP(-0.5)),
        bad("typicalP is 0.0", g -> g.typicalP(0)),
        bad("repetitionPenalty is 0.0", g -> g.repetitionPenalty(0)),
        bad("noRepeatNgramSize is -2", g -> g.noRepeatNgramSize(-2)),
        bad(
            "badWordsIds is [], expected at least one token id",
            g -> g.badWordsIds(List.of(List.of()))),
        bad("badWordsIds is -3", g -> g.badWordsIds(List.of(List.of(-3)))),
        bad("badWords is [], expected texts that are not empty", g -> g.badWords("")),
        bad("numBeams is 0", g -> g.numBeams(0)),
        bad("lengthPenalty is NaN", g -> g.lengthPenalty(Double.NaN)),
        bad("numReturnSequences is 0", g -> g.numReturnSequences(0)),
        bad("Turn doSample on, or set numBeams to 3", g -> g.numReturnSequences(3)),
        bad("at most numBeams, which is 2", g -> g.numReturnSequences(3).numBeams(2)),
        bad("stopStrings is [x, ], expected texts that are not empty", g -> g.stopStrings("x", "")),
        bad("eosTokenIds is -1", g -> g.eosTokenIds(-1)),
        bad("forcedEosTokenIds is -1", g -> g.forcedEosTokenIds(-1)),
        bad("maxTime is PT0S, expected more than 0", g -> g.maxTime(Duration.ZERO)),
        bad("topH is 0.0, expected above 0, up to 1", g -> g.topH(0)),
        bad("epsilonCutoff is 1.0, expected at least 0 and below 1", g -> g.epsilonCutoff(1)),
        bad("etaCutoff is -0.5", g -> g.etaCutoff(-0.5)),
        bad("encoderRepetitionPenalty is 0.0", g -> g.encoderRepetitionPenalty(0)),
        bad("encoderNoRepeatNgramSize is -1", g -> g.encoderNoRepeatNgramSize(-1)),
        bad("sequenceBias is []", g -> g.sequenceBias(Map.of(List.of(), 1f))),
        bad("sequenceBias is NaN", g -> g.sequenceBias(Map.of(List.of(1), Float.NaN))),
        bad("suppressTokens is -1", g -> g.suppressTokens(-1)),
        bad("beginSuppressTokens is -1", g -> g.beginSuppressTokens(-1)),
        bad("forcedBosTokenId is -1", g -> g.forcedBosTokenId(-1)),
        bad("not all in suppressTokens", g -> g.forcedEosTokenIds(3).suppressTokens(2, 3)),
        bad("exponentialDecayLengthPenalty is -1", g -> g.exponentialDecayLengthPenalty(-1, 2)),
        bad("guidanceScale is 2.0, expected 1 with", g -> g.guidanceScale(2).numBeams(2)),
        bad("negativePrompt is empty", g -> g.guidanceScale(2).negativePrompt("")),
        bad("none besides negativePrompt", g -> g.negativePrompt("x").negativePromptIds(1)),
        bad("promptLookupNumTokens is -1", g -> g.promptLookupNumTokens(-1)),
        bad("expected 0 with beam", g -> g.promptLookupNumTokens(2).numBeams(2)),
        bad("expected 0 with guid", g -> g.promptLookupNumTokens(2).guidanceScale(2)),
        bad("maxMatchingNgramSize is 0", g -> g.maxMatchingNgramSize(0)));
  }
}
