package io.github.ggml4j.generation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
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
            .logitsProcessor(own)
            .build();
    assertThat(config.toBuilder().build()).isEqualTo(config);
    assertThat(config).hasNoNullFieldsOrProperties();
  }

  @ParameterizedTest
  @MethodSource
  void badValuesAreNamed(String message, Consumer<GenerationConfig.Builder> values) {
    var builder = GenerationConfig.builder();
    values.accept(builder);
    assertThatThrownBy(builder::build)
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
        bad("minLength is 9 and maxLength 8", g -> g.minLength(9).maxLength(8)),
        bad("minNewTokens is 9 and maxNewTokens 8", g -> g.minNewTokens(9).maxNewTokens(8)),
        bad("use doSample(false)", g -> g.temperature(0)),
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
        bad("badWordsIds has []", g -> g.badWordsIds(List.of(List.of()))),
        bad("badWordsIds has [-3]", g -> g.badWordsIds(List.of(List.of(-3)))),
        bad("badWords has an empty text", g -> g.badWords("")),
        bad("numBeams is 0", g -> g.numBeams(0)),
        bad("lengthPenalty is NaN", g -> g.lengthPenalty(Double.NaN)),
        bad("numReturnSequences is 0", g -> g.numReturnSequences(0)),
        bad("Use doSample(true) or numBeams(3)", g -> g.numReturnSequences(3)),
        bad("at most numBeams, which is 2", g -> g.numReturnSequences(3).numBeams(2)),
        bad("stopStrings has an empty text", g -> g.stopStrings("x", "")),
        bad("eosTokenIds is -1", g -> g.eosTokenIds(-1)),
        bad("forcedEosTokenIds is -1", g -> g.forcedEosTokenIds(-1)));
  }
}
