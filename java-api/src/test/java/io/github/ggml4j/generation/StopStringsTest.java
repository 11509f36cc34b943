package io.github.ggml4j.generation;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.ggml4j.Golden;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import tools.jackson.databind.JsonNode;

/** Stop strings and text as it grows. */
class StopStringsTest {
  /** Generates given pieces after a prompt of the first ones. */
  private static GeneratedSequence generate(
      Pieces pieces, int[] indices, int promptLength, GenerationConfig.Builder builder) {
    int[] tokens = ids(pieces, indices);
    int vocab = 100;
    FakeDecoder.Table table =
        history -> {
          float[] logits = new float[vocab];
          logits[tokens[Math.min(history.length, tokens.length - 1)]] = 9;
          return logits;
        };
    var generator =
        new Generator(
            new ModelLimits(vocab, 500, null, List.of()),
            pieces.tokenizer(),
            new SpareDecoder((_, _) -> new FakeDecoder(table)));
    var config = builder.maxNewTokens(tokens.length - promptLength).build();
    var prompt = List.of(Arrays.copyOf(tokens, promptLength));
    var streamed = new StringBuilder();
    var sequence =
        generator.generate(prompt, config, t -> streamed.append(t.text())).getFirst().getFirst();
    assertThat(streamed).hasToString(sequence.text());
    var beam =
        generator.generate(prompt, config.toBuilder().numBeams(2).build()).getFirst().getFirst();
    if (beam.ids().length == sequence.ids().length) {
      assertThat(beam.text()).isEqualTo(sequence.text());
    }
    return sequence;
  }

  private static int[] ids(Pieces pieces, int... indices) {
    return Arrays.stream(indices).map(i -> pieces.ids()[i]).toArray();
  }

  private static GenerationConfig.Builder stop(String... strings) {
    return GenerationConfig.builder().stopStrings(strings);
  }

  private static StreamedText streamed(Pieces pieces) {
    var none = new StopStrings(List.of(), pieces.tokenizer());
    return new StreamedText(pieces.tokenizer(), none, new int[0]);
  }

  private static int[] range(int n) {
    return IntStream.range(0, n).toArray();
  }

  @Test
  void huggingFacesExamplesMatch() {
    for (String[] pieces :
        List.of(
            new String[] {"x", "st", "op", "z"},
            new String[] {"x", "stop", "z"},
            new String[] {"x", "st", "opera", "z"},
            new String[] {"x", "sto", "pper", "z"},
            new String[] {"x", "las", "topper", "z"},
            new String[] {"x", "s", "to", "pped", "z"},
            new String[] {"x", "unstoppable", "z"})) {
      var sequence = generate(Pieces.of(pieces), range(pieces.length), 1, stop("stop"));
      assertThat(sequence.finishReason()).isEqualTo(FinishReason.STOP_STRING);
      assertThat(sequence.ids()).hasSize(pieces.length - 2);
      String all = String.join("", pieces).substring(1);
      assertThat(sequence.text()).isEqualTo(all.substring(0, all.length() - 1));
      var trimmed =
          generate(Pieces.of(pieces), range(pieces.length), 1, stop("stop").trimStopStrings(true));
      assertThat(trimmed.text()).isEqualTo(all.substring(0, all.indexOf("stop")));
    }
  }

  @TestFactory
  Stream<DynamicTest> matchesAreTransformers() {
    var golden = Golden.json("stop_strings/golden.json");
    var text =
        Pieces.of(
            golden.get("vocabulary").valueStream().map(StopStringsTest::bytes).toList(), null);
    return golden
        .get("cases")
        .valueStream()
        .map(one -> DynamicTest.dynamicTest(one.toString(), () -> checkMatches(text, one)));
  }

  private static byte[] bytes(JsonNode array) {
    byte[] bytes = new byte[array.size()];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) array.get(i).asInt();
    }
    return bytes;
  }

  private static void checkMatches(Pieces pieces, JsonNode one) {
    int[] ids = ids(pieces, Golden.ints(one.get("ids")));
    var strings = one.get("stop_strings").valueStream().map(JsonNode::asString).toList();
    var stop = new StopStrings(strings, pieces.tokenizer());
    var matches = IntStream.range(1, ids.length).filter(i -> stop.find(ids, i + 1) >= 0);
    assertThat(matches)
        .containsExactlyElementsOf(one.get("matches").valueStream().map(JsonNode::asInt).toList());
  }

  @Test
  void aStopStringInThePromptDoesNotCountButMayBeginThere() {
    var text = Pieces.of("stop", "a", "b", "st", "op");
    assertThat(generate(text, new int[] {0, 1, 2}, 1, stop("stop")).finishReason())
        .isEqualTo(FinishReason.LENGTH);
    var begun = generate(text, new int[] {1, 3, 4, 2}, 2, stop("stop").trimStopStrings(true));
    assertThat(begun.finishReason()).isEqualTo(FinishReason.STOP_STRING);
    assertThat(begun.ids()).containsExactly(4);
    assertThat(begun.text()).isEmpty();
  }

  @Test
  void theEarliestOfSeveralCounts() {
    var text = Pieces.of("a", "bcd", "e");
    assertThat(generate(text, range(3), 1, stop("d", "bcd").trimStopStrings(true)).text())
        .isEmpty();
    assertThat(generate(text, range(3), 1, stop("d", "cd", "x").trimStopStrings(true)).text())
        .isEqualTo("b");
  }

  @Test
  void charactersMayBeSplitBetweenTokens() {
    byte[] bytes = "aé€😀!é".getBytes(StandardCharsets.UTF_8);
    var text = Pieces.ofBytes(bytes);
    int[] tokens = range(bytes.length);
    assertThat(generate(text, tokens, 1, stop()).text()).isEqualTo("é€😀!é");
    assertThat(generate(text, tokens, 1, stop("😀").trimStopStrings(true)).text()).isEqualTo("é€");
    assertThat(generate(text, tokens, 1, stop("€😀!x", "!")).text()).isEqualTo("é€😀!");
    assertThat(generate(text, tokens, 1, stop("€😀!x").trimStopStrings(true)).text())
        .isEqualTo("é€😀!é");
  }

  /**
   * An encoded surrogate is three wrong bytes for Rust and Python, one wrong character for Java.
   */
  @Test
  void wrongBytesAreCountedAsInDecoding() {
    byte[] bytes = {(byte) 0xED, (byte) 0xA0, (byte) 0x80, 'x', (byte) 0xF0, (byte) 0x9F};
    var text = Pieces.ofBytes(bytes);
    assertThat(generate(text, range(bytes.length), 1, stop()).text())
        .isEqualTo("\uFFFD\uFFFDx\uFFFD");
    var whole = streamed(text);
    var grown = new StringBuilder();
    for (int i = 0; i < 5; i++) {
      grown.append(whole.add(text.ids()[i]));
    }
    assertThat(grown + whole.finish(text.ids()[5], 0)).isEqualTo("\uFFFD\uFFFD\uFFFDx\uFFFD");
  }

  @Test
  void noPieceHasHalfACharacter() {
    byte[] bytes = "é😀".getBytes(StandardCharsets.UTF_8);
    var text = Pieces.ofBytes(bytes);
    var grown = streamed(text);
    assertThat(IntStream.range(0, 5).mapToObj(grown::add)).containsExactly("", "é", "", "", "");
    assertThat(grown.finish(5, 0)).isEqualTo("😀");
    var broken = streamed(text);
    broken.add(0);
    broken.add(1);
    broken.add(2);
    assertThat(broken.finish(3, 0)).isEqualTo("\uFFFD");
    var invalid = streamed(text);
    assertThat(invalid.add(0)).isEmpty();
    assertThat(invalid.add(0)).isEqualTo("\uFFFD");
    assertThat(invalid.finish(1, 0)).isEqualTo("é");
  }

  @Test
  void specialTokensAreNoTextButTheirNamesStop() {
    var text =
        Pieces.of(
            List.of("a".getBytes(StandardCharsets.UTF_8), "<end>".getBytes(StandardCharsets.UTF_8)),
            "<end>");
    var tokens = new int[] {0, 0, 1, 0, 0};
    assertThat(generate(text, tokens, 1, stop()).text()).isEqualTo("aaa");
    var stopped = generate(text, tokens, 1, stop("a<end>").trimStopStrings(true));
    assertThat(stopped.finishReason()).isEqualTo(FinishReason.STOP_STRING);
    assertThat(stopped.ids()).containsExactly(0, 1);
    assertThat(stopped.text()).isEmpty();
  }

  @Test
  void whatMayBecomeAStopStringIsHeldBack() {
    var text = Pieces.of("x", "a\n", "\nb", "\n\nc");
    var tokenizer = text.tokenizer();
    var pieces =
        new StreamedText(tokenizer, new StopStrings(List.of("\n\n\n"), tokenizer), new int[] {0});
    assertThat(pieces.add(1)).isEqualTo("a");
    assertThat(pieces.add(2)).isEqualTo("\n\nb");
    assertThat(pieces.add(3)).isEqualTo("\n\nc");
    assertThat(pieces.finish(1, 1)).isEqualTo("a");
  }
}
