package io.github.ggml4j.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import io.github.ggml4j.format.internal.Json;
import io.github.ggml4j.tokenizer.EncodeOptions.Padding;
import io.github.ggml4j.tokenizer.EncodeOptions.Side;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Small vocabularies against what transformers made with them (make_golden_tokenizers.py). */
class GoldenTokenizerTest {
  private static final Path GOLDEN = Path.of("src/test/resources/golden/tokenizers");

  @ParameterizedTest
  @ValueSource(strings = {"trained", "legacy", "ranks", "prefix", "partial", "dropped"})
  void encodesAsTransformers(String name) {
    check(Tokenizer.load(GOLDEN.resolve(name)), name);
  }

  @ParameterizedTest
  @ValueSource(strings = {"trained", "legacy", "ranks", "prefix", "partial", "dropped"})
  void encodesAlikeWhenSavedAndLoaded(String name, @TempDir Path folder) throws IOException {
    Tokenizer tokenizer = Tokenizer.load(GOLDEN.resolve(name));
    tokenizer.save(folder);
    Tokenizer again = Tokenizer.load(folder);
    check(again, name);
    again
        .files()
        .forEach((file, bytes) ->
            assertThat(new String(bytes, StandardCharsets.UTF_8))
                .as(file)
                .isEqualTo(
                    new String(
                        Objects.requireNonNull(tokenizer.files().get(file)),
                        StandardCharsets.UTF_8)));
    Random random = new Random(9);
    try (HuggingFaceTokenizer huggingFace = HuggingFaceTest.open(folder)) {
      for (int i = 0; i < 300; i++) {
        HuggingFaceTest.same(again, huggingFace, RandomText.next(random, 20));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"trained", "ranks"})
  void encodesAlikeFromLists(String name) {
    Tokenizer tokenizer = Tokenizer.load(GOLDEN.resolve(name));
    check(
        Tokenizer.of(
            tokenizer.tokens(),
            tokenizer.merges(),
            tokenizer.addedTokens(),
            tokenizer.bosTokenId(),
            tokenizer.eosTokenId(),
            name.equals("trained") ? tokenizer.padTokenId() : null),
        name);
  }

  private static void check(Tokenizer tokenizer, String name) {
    Map<String, ?> golden = Json.readObject(GOLDEN.resolve(name).resolve("golden.json"));
    assertThat(tokenizer.vocabSize()).isEqualTo(integer(golden.get("size")));
    assertThat(tokenizer.bosTokenId()).isEqualTo(idOf(golden.get("bos")));
    assertThat(tokenizer.eosTokenId()).isEqualTo(idOf(golden.get("eos")));
    if (golden.get("pad") != null) {
      assertThat(tokenizer.padTokenId()).isEqualTo(integer(golden.get("pad")));
    }
    EncodeOptions all = EncodeOptions.defaults();
    for (Object item : list(golden.get("cases"))) {
      Map<?, ?> expected = map(item);
      checkCase(tokenizer, expected, all);
      assertThat(tokenizer.encode(text(expected))).isEqualTo(ints(expected.get("ids")));
    }
    for (Object item : list(golden.get("split_special"))) {
      checkCase(tokenizer, map(item), all.withParseSpecialTokens(false));
    }
    for (Object item : list(golden.get("batches"))) {
      checkBatch(tokenizer, map(item));
    }
  }

  private static void checkCase(Tokenizer tokenizer, Map<?, ?> expected, EncodeOptions options) {
    String text = text(expected);
    Encoding encoding = tokenizer.encode(text, options);
    assertThat(encoding.ids()).as(text).isEqualTo(ints(expected.get("ids")));
    assertThat(encoding.attentionMask()).as(text).isEqualTo(ints(expected.get("mask")));
    assertThat(encoding.specialTokensMask()).as(text).isEqualTo(ints(expected.get("special")));
    List<?> offsets = list(expected.get("offsets"));
    for (int i = 0; i < encoding.length(); i++) {
      assertThat(new int[] {encoding.start(i), encoding.end(i)})
          .as("offsets of token %d of %s", i, text)
          .isEqualTo(ints(offsets.get(i)));
    }
    assertThat(tokenizer.decode(encoding.ids())).isEqualTo(expected.get("decoded"));
    assertThat(tokenizer.decode(encoding.ids(), true)).isEqualTo(expected.get("skipped"));
  }

  private static void checkBatch(Tokenizer tokenizer, Map<?, ?> expected) {
    Map<?, ?> arguments = map(expected.get("arguments"));
    EncodeOptions options = EncodeOptions.defaults();
    if (arguments.containsKey("max_length")) {
      options =
          options.withTruncation(
              integer(arguments.get("max_length")), side(arguments, "truncation_side"));
    }
    if (arguments.containsKey("padding")) {
      options =
          options.withPadding(
              "longest".equals(arguments.get("padding")) ? Padding.LONGEST : Padding.MAX_LENGTH,
              side(arguments, "padding_side"));
    }
    if (arguments.containsKey("pad_to_multiple_of")) {
      options = options.withPadToMultipleOf(integer(arguments.get("pad_to_multiple_of")));
    }
    List<String> texts = list(expected.get("texts")).stream().map(String::valueOf).toList();
    List<Encoding> batch = tokenizer.encodeBatch(texts, options);
    for (int i = 0; i < batch.size(); i++) {
      assertThat(batch.get(i).ids())
          .as("%s of %s", texts.get(i), arguments)
          .isEqualTo(ints(list(expected.get("ids")).get(i)));
      assertThat(batch.get(i).attentionMask()).isEqualTo(ints(list(expected.get("mask")).get(i)));
    }
  }

  private static Side side(Map<?, ?> arguments, String name) {
    return "left".equals(arguments.get(name)) ? Side.LEFT : Side.RIGHT;
  }

  private static int idOf(@Nullable Object value) {
    return value == null ? -1 : integer(value);
  }

  private static int integer(@Nullable Object value) {
    return Math.toIntExact((Long) Objects.requireNonNull(value));
  }

  private static String text(Map<?, ?> expected) {
    return String.valueOf(expected.get("text"));
  }

  private static Map<?, ?> map(@Nullable Object value) {
    return (Map<?, ?>) Objects.requireNonNull(value);
  }

  private static List<?> list(@Nullable Object value) {
    return (List<?>) Objects.requireNonNull(value);
  }

  private static int[] ints(@Nullable Object value) {
    return list(value).stream().mapToInt(GoldenTokenizerTest::integer).toArray();
  }
}
