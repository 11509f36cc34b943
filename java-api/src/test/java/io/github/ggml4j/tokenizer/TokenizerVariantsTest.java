package io.github.ggml4j.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.ggml4j.format.internal.Json;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A tokenizer of 1,003 tokens in several variants against what Hugging Face's tokenizers make of
 * the same texts; the golden files are those of {@code src/test/python/make_tokenizer_variants.py}.
 */
class TokenizerVariantsTest {
  private static final String MODEL = resource("model.json");

  @TempDir Path folder;

  /** One variant of the tokenizer: {@code tokenizer.json} without its model, and cases. */
  record Variant(String name, Map<?, ?> settings, List<Map<?, ?>> cases) {
    @Override
    public String toString() {
      return name;
    }
  }

  static Stream<Variant> variants() {
    Map<?, ?> golden = Json.parseObject(resource("variants.json"), "variants.json");
    return objects(golden.get("variants")).stream()
        .map(variant ->
            new Variant(
                (String) value(variant, "name"),
                (Map<?, ?>) value(variant, "settings"),
                objects(variant.get("cases"))));
  }

  @ParameterizedTest
  @MethodSource("variants")
  void encodesAndDecodes(Variant variant) throws IOException {
    check(load(variant), variant);
  }

  @ParameterizedTest
  @MethodSource("variants")
  void savedAndLoadedAgainItIsTheSame(Variant variant) throws IOException {
    load(variant).save(folder.resolve("saved"));
    Tokenizer saved = Tokenizer.load(folder.resolve("saved"));
    check(saved, variant);
    assertThat(texts(saved.files())).isEqualTo(texts(load(variant).files()));
  }

  @ParameterizedTest
  @MethodSource("variants")
  void vocabularyAndMergesAreEnoughForTheModel(Variant variant) throws IOException {
    Tokenizer whole = load(variant);
    Path saved = folder.resolve("saved");
    whole.save(saved);
    Files.delete(saved.resolve("tokenizer.json"));
    Tokenizer parts = Tokenizer.load(saved);
    assertThat(parts.merges()).isEqualTo(whole.merges());
    assertThat(parts.tokens()).startsWith(whole.tokens().subList(0, 1003).toArray(new String[0]));
    if (variant.name().equals("plain")) {
      check(parts, variant);
    }
  }

  private Tokenizer load(Variant variant) throws IOException {
    String settings = json(variant.settings());
    String whole = settings.substring(0, settings.length() - 1) + ",\"model\":" + MODEL + "}";
    Files.writeString(folder.resolve("tokenizer.json"), whole);
    return Tokenizer.load(folder);
  }

  private static void check(Tokenizer tokenizer, Variant variant) {
    assertThat(tokenizer.vocabSize()).isGreaterThanOrEqualTo(1003);
    for (Map<?, ?> test : variant.cases()) {
      List<String> texts = strings(test.get("texts"));
      EncodeOptions options = options(test);
      if (options.padding() != EncodeOptions.Padding.NONE && !pads(tokenizer, test)) {
        continue;
      }
      List<Encoding> encodings = tokenizer.encodeBatch(texts, options);
      List<Map<?, ?>> results = objects(test.get("results"));
      for (int i = 0; i < texts.size(); i++) {
        String what = variant + " " + options + " of '" + texts.get(i) + "'";
        check(tokenizer, texts.get(i), encodings.get(i), results.get(i), what);
        if (options.padding() != EncodeOptions.Padding.LONGEST) {
          Encoding alone = tokenizer.encode(texts.get(i), options);
          assertThat(alone.ids()).as(what).isEqualTo(encodings.get(i).ids());
        }
        if (options.equals(EncodeOptions.defaults())) {
          assertThat(tokenizer.encode(texts.get(i))).as(what).isEqualTo(encodings.get(i).ids());
        }
      }
    }
  }

  private static void check(
      Tokenizer tokenizer, String text, Encoding encoding, Map<?, ?> expected, String what) {
    int[] ids = ints(expected.get("ids"));
    assertThat(encoding.ids()).as(what).isEqualTo(ids);
    assertThat(encoding.attentionMask()).as(what).isEqualTo(ints(expected.get("attention_mask")));
    assertThat(encoding.specialTokensMask())
        .as(what)
        .isEqualTo(ints(expected.get("special_tokens_mask")));
    int[] offsets =
        IntStream.range(0, ids.length)
            .flatMap(i -> IntStream.of(encoding.start(i), encoding.end(i)))
            .map(at -> text.codePointCount(0, at))
            .toArray();
    assertThat(offsets).as("offsets of " + what).isEqualTo(ints(expected.get("offsets")));
    assertThat(tokenizer.decode(ids)).as(what).isEqualTo(expected.get("decoded"));
    assertThat(tokenizer.decode(ids, true))
        .as(what)
        .isEqualTo(expected.get("decoded_without_special"));
    StreamingDecoder stream = tokenizer.streamingDecoder(false);
    StringBuilder streamed = new StringBuilder();
    for (int id : ids) {
      streamed.append(stream.push(id));
    }
    assertThat(streamed.append(stream.flush()).toString()).isEqualTo(expected.get("decoded"));
  }

  /** Whether this tokenizer pads with the token of the case. */
  private static boolean pads(Tokenizer tokenizer, Map<?, ?> test) {
    Map<?, ?> padding = (Map<?, ?>) value(test, "padding");
    return tokenizer.padTokenId() == integer(value(padding, "id"));
  }

  private static EncodeOptions options(Map<?, ?> test) {
    EncodeOptions options =
        EncodeOptions.defaults()
            .withAddSpecialTokens((Boolean) value(test, "add_special_tokens"))
            .withParseSpecialTokens(!(Boolean) value(test, "split_special_tokens"));
    Map<?, ?> truncation = (Map<?, ?>) test.get("truncation");
    Map<?, ?> padding = (Map<?, ?>) test.get("padding");
    if (truncation != null) {
      options = options.withTruncation(integer(value(truncation, "max_length")), side(truncation));
    }
    if (padding == null) {
      return options;
    }
    Object length = padding.get("length");
    Object multiple = padding.get("multiple");
    if (multiple != null) {
      options = options.withPadToMultipleOf(integer(multiple));
    }
    return options.withPadding(
        length == null ? EncodeOptions.Padding.LONGEST : EncodeOptions.Padding.MAX_LENGTH,
        side(padding));
  }

  private static EncodeOptions.Side side(Map<?, ?> map) {
    return value(map, "side").equals("left") ? EncodeOptions.Side.LEFT : EncodeOptions.Side.RIGHT;
  }

  private static Map<String, String> texts(Map<String, byte[]> files) {
    Map<String, String> texts = new java.util.TreeMap<>();
    files.forEach((name, bytes) -> texts.put(name, new String(bytes, StandardCharsets.UTF_8)));
    return texts;
  }

  /** The golden values again as JSON; objects, lists, strings, numbers, booleans and null. */
  private static String json(@Nullable Object value) {
    return switch (value) {
      case null -> "null";
      case String text -> io.github.ggml4j.format.internal.PythonJson.quote(text);
      case Map<?, ?> map ->
          map.entrySet().stream()
              .map(e -> json(e.getKey()) + ":" + json(e.getValue()))
              .collect(java.util.stream.Collectors.joining(",", "{", "}"));
      case List<?> list ->
          list.stream()
              .map(TokenizerVariantsTest::json)
              .collect(java.util.stream.Collectors.joining(",", "[", "]"));
      default -> value.toString();
    };
  }

  private static Object value(Map<?, ?> map, String key) {
    return Objects.requireNonNull(map.get(key), key);
  }

  private static int integer(Object number) {
    return ((Number) number).intValue();
  }

  private static List<Map<?, ?>> objects(@Nullable Object list) {
    List<Map<?, ?>> objects = new ArrayList<>();
    ((List<?>) Objects.requireNonNull(list)).forEach(item -> objects.add((Map<?, ?>) item));
    return objects;
  }

  private static List<String> strings(@Nullable Object list) {
    List<String> strings = new ArrayList<>();
    ((List<?>) Objects.requireNonNull(list)).forEach(item -> strings.add((String) item));
    return strings;
  }

  private static int[] ints(@Nullable Object list) {
    return ((List<?>) Objects.requireNonNull(list))
        .stream().mapToInt(TokenizerVariantsTest::integer).toArray();
  }

  private static String resource(String name) {
    try (InputStream in =
        TokenizerVariantsTest.class.getResourceAsStream("/golden/tokenizers/variants/" + name)) {
      return new String(Objects.requireNonNull(in, name).readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
