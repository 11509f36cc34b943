package io.github.ggml4j.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.ggml4j.format.internal.Json;
import io.github.ggml4j.format.internal.PythonJson;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Folders with one vocabulary and many configurations against transformers' {@code AutoTokenizer}
 * (make_golden_tokenizer_configurations.py).
 */
class TokenizerConfigurationsTest {
  private static final Map<String, @Nullable Object> GOLDEN = golden();

  @TempDir Path folder;

  /** A folder's files and what transformers makes of it. */
  record Configuration(Map<?, ?> golden) {
    @Override
    public String toString() {
      return String.valueOf(golden.get("name"));
    }
  }

  static Stream<Configuration> configurations() {
    return ((List<?>) Objects.requireNonNull(GOLDEN.get("folders")))
        .stream().map(item -> new Configuration((Map<?, ?>) item));
  }

  @ParameterizedTest
  @MethodSource("configurations")
  void encodesAsTransformers(Configuration configuration) throws IOException {
    check(load(configuration), configuration.golden());
  }

  @ParameterizedTest
  @MethodSource("configurations")
  void encodesTheSameWhenSavedAndLoaded(Configuration configuration) throws IOException {
    Path saved = folder.resolve("saved");
    load(configuration).save(saved);
    check(Tokenizer.load(saved), configuration.golden());
  }

  private Tokenizer load(Configuration configuration) throws IOException {
    Map<?, ?> files = (Map<?, ?>) value(configuration.golden(), "files");
    for (Map.Entry<?, ?> file : files.entrySet()) {
      String name = String.valueOf(file.getKey());
      Object content = filled(file.getValue());
      Files.writeString(
          folder.resolve(name),
          name.equals("merges.txt")
              ? "#version: 0.2\n" + String.join("\n", strings(content)) + "\n"
              : PythonJson.nested(content, 0));
    }
    return Tokenizer.load(folder);
  }

  private static void check(Tokenizer tokenizer, Map<?, ?> golden) {
    List<?> cases = (List<?>) value(golden, "cases");
    for (Object item : cases) {
      Map<?, ?> expected = (Map<?, ?>) item;
      String text = (String) value(expected, "text");
      int[] ids = ints(value(expected, "ids"));
      Encoding encoding = tokenizer.encode(text, EncodeOptions.defaults());
      assertThat(encoding.ids()).as("ids of '%s'", text).isEqualTo(ids);
      assertThat(tokenizer.encode(text)).as("ids of '%s' alone", text).isEqualTo(ids);
      assertThat(encoding.specialTokensMask())
          .as("special tokens of '%s'", text)
          .isEqualTo(ints(value(expected, "special")));
      int[] offsets =
          IntStream.range(0, ids.length)
              .flatMap(i -> IntStream.of(encoding.start(i), encoding.end(i)))
              .map(index -> text.codePointCount(0, index))
              .toArray();
      assertThat(offsets).as("offsets of '%s'", text).isEqualTo(ints(value(expected, "offsets")));
      assertThat(tokenizer.decode(ids)).isEqualTo(expected.get("decoded"));
      assertThat(tokenizer.decode(ids, true)).isEqualTo(expected.get("skipped"));
    }
    assertThat(tokenizer.vocabSize()).as("size").isEqualTo(integer(value(golden, "size")));
    assertThat(tokenizer.bosTokenId()).as("bos").isEqualTo(idOf(golden.get("bos")));
    assertThat(tokenizer.eosTokenId()).as("eos").isEqualTo(idOf(golden.get("eos")));
    int eos = tokenizer.eosTokenId();
    int pad = golden.get("pad") == null ? eos : integer(value(golden, "pad"));
    assertThat(tokenizer.padTokenId()).as("pad").isEqualTo(pad);
  }

  /** Replaces the references to vocabulary, merges and model. */
  private static @Nullable Object filled(@Nullable Object value) {
    return switch (value) {
      case String text when text.equals("@vocab") -> GOLDEN.get("vocabulary");
      case String text when text.equals("@merges") -> GOLDEN.get("merges");
      case String text when text.equals("@model") -> model();
      case Map<?, ?> map -> {
        Map<String, @Nullable Object> copy = new LinkedHashMap<>();
        map.forEach((name, item) -> copy.put(String.valueOf(name), filled(item)));
        yield copy;
      }
      case List<?> list -> {
        List<@Nullable Object> copy = new ArrayList<>();
        list.forEach(item -> copy.add(filled(item)));
        yield copy;
      }
      case null, default -> value;
    };
  }

  private static Map<String, @Nullable Object> model() {
    Map<String, @Nullable Object> model = new LinkedHashMap<>();
    model.put("type", "BPE");
    model.put("dropout", null);
    model.put("unk_token", null);
    model.put("fuse_unk", false);
    model.put("vocab", GOLDEN.get("vocabulary"));
    model.put("merges", GOLDEN.get("merges"));
    return model;
  }

  private static Map<String, @Nullable Object> golden() {
    String name = "/golden/tokenizers/configurations/configurations.json";
    try (InputStream in =
        Objects.requireNonNull(TokenizerConfigurationsTest.class.getResourceAsStream(name))) {
      return Json.parseObject(in, name);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private static List<String> strings(@Nullable Object list) {
    return ((List<?>) Objects.requireNonNull(list))
        .stream().map(String::valueOf).collect(Collectors.toList());
  }

  private static Object value(Map<?, ?> map, String key) {
    return Objects.requireNonNull(map.get(key), key);
  }

  private static int idOf(@Nullable Object value) {
    return value == null ? -1 : integer(value);
  }

  private static int integer(Object number) {
    return ((Number) number).intValue();
  }

  private static int[] ints(Object list) {
    return ((List<?>) list).stream().mapToInt(TokenizerConfigurationsTest::integer).toArray();
  }
}
