package io.github.ggml4j.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.ggml4j.error.InvalidArgumentException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Trained tokenizers against Hugging Face's trainer (make_golden_bpe.py). */
class BpeTrainerTest {
  private static final Path GOLDEN = Path.of("src/test/resources/golden/bpe");

  private static List<String> strings(JsonNode array) {
    return array.valueStream().map(JsonNode::asString).toList();
  }

  @TestFactory
  Stream<DynamicTest> mergesAreThoseOfHuggingFace() {
    JsonNode cases = JsonMapper.shared().readTree(GOLDEN.resolve("cases.json").toFile());
    assertThat(cases.size()).isGreaterThan(50);
    return cases
        .valueStream()
        .map(golden -> DynamicTest.dynamicTest(golden.get("name").asString(), () -> check(golden)));
  }

  private static void check(JsonNode golden) {
    JsonNode options = golden.get("options");
    BpeTrainer trainer = BpeTrainer.vocabSize(options.get("vocab_size").asInt());
    if (options.has("min_frequency")) {
      trainer = trainer.minFrequency(options.get("min_frequency").asLong());
    }
    if (options.has("special_tokens")) {
      trainer =
          trainer.specialTokens(strings(options.get("special_tokens")).toArray(String[]::new));
    }

    Tokenizer tokenizer = Tokenizer.train(strings(golden.get("texts")), trainer);

    assertThat(tokenizer.merges()).isEqualTo(strings(golden.get("merges")));
    assertThat(tokenizer.tokens()).isEqualTo(strings(golden.get("tokens")));
  }

  private static Tokenizer books() throws IOException {
    List<String> books = List.of(Files.readString(GOLDEN.resolve("books.txt")).split("\f"));
    assertThat(books).hasSize(3);
    return Tokenizer.train(books, BpeTrainer.vocabSize(8000));
  }

  @Test
  void threeBooksGiveTheMergesOfHuggingFace() throws IOException {
    Tokenizer tokenizer = books();

    assertThat(tokenizer.merges())
        .isEqualTo(Files.readAllLines(GOLDEN.resolve("books.merges")))
        .hasSize(7743);
    assertThat(tokenizer.tokens()).isEqualTo(Files.readAllLines(GOLDEN.resolve("books.tokens")));
  }

  @Test
  void aTrainedTokenizerIsSavedAndLoaded(@TempDir Path folder) throws IOException {
    Tokenizer tokenizer = books();
    tokenizer.save(folder);
    Tokenizer loaded = Tokenizer.load(folder);
    String text = "Alice thought \u00e9\u4f60 <|endoftext|>don't\n";

    assertThat(loaded.eosTokenId()).isZero();
    assertThat(loaded.bosTokenId()).isZero();
    assertThat(loaded.encode(text)).isEqualTo(tokenizer.encode(text)).contains(0);
    assertThat(loaded.decode(loaded.encode(text))).isEqualTo(text);
  }

  @Test
  void unpairedSurrogatesCountAsReplacementCharacters() {
    BpeTrainer trainer = BpeTrainer.vocabSize(300);

    assertThat(Tokenizer.train(List.of("\ud800 a\ud800\ufffd"), trainer).merges())
        .isEqualTo(Tokenizer.train(List.of("\ufffd a\ufffd\ufffd"), trainer).merges());
  }

  @Test
  void withoutEndOfTextThereIsNone() {
    Tokenizer tokenizer =
        Tokenizer.train(List.of("a"), BpeTrainer.defaults().specialTokens("<pad>"));

    assertThat(tokenizer.eosTokenId()).isEqualTo(-1);
    assertThat(tokenizer.encode("<pad>")).containsExactly(0);
  }

  @Test
  void optionsAreChecked() {
    assertThatThrownBy(() -> BpeTrainer.vocabSize(0))
        .isInstanceOf(InvalidArgumentException.class)
        .hasMessage("vocabSize is 0, expected 1 to 2097152");
    assertThatThrownBy(() -> BpeTrainer.defaults().minFrequency(-1))
        .hasMessage("minFrequency is -1, expected at least 0");
    assertThatThrownBy(() -> BpeTrainer.defaults().specialTokens("a", "a"))
        .hasMessageContaining("specialTokens is [a, a], expected different tokens");
    assertThatThrownBy(() -> BpeTrainer.defaults().specialTokens(""))
        .isInstanceOf(InvalidArgumentException.class);
  }
}
