package io.github.ggml4j.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.ggml4j.format.gguf.GgufFile;
import io.github.ggml4j.format.gguf.GgufVocabulary;
import io.github.ggml4j.format.gguf.GgufWriter;
import io.github.ggml4j.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GgufTokenizerTest {
  private static final GgufVocabulary GPT2 = ModelWriter.vocabulary(Tokenizer.gpt2());

  @TempDir private Path folder;

  @Test
  void gpt2sVocabularyIsRecognisedAndEqualsTheDecodedOne() throws IOException {
    try (var file = file(GPT2.tokens(), GPT2.merges(), null)) {
      assertThat(GgufVocabulary.isGpt2(file)).isTrue();
    }
    try (var file = file(GPT2.tokens(), GPT2.merges(), GPT2.padTokenId())) {
      assertThat(GgufVocabulary.isGpt2(file)).isTrue();
      var recognised = GgufModel.tokenizer(file);
      assertThat(recognised).isSameAs(Tokenizer.gpt2());
      assertThat(GgufVocabulary.of(file)).isEqualTo(GPT2);
      var decoded = decoded(GPT2);
      assertThat(recognised.toString()).isEqualTo(decoded.toString());
      assertThat(recognised.tokens()).isEqualTo(decoded.tokens());
      assertThat(recognised.merges()).isEqualTo(decoded.merges());
      assertThat(recognised.addedTokens()).isEqualTo(decoded.addedTokens());
      var text = "It's 5 o'clock, \u00fcber<|endoftext|>\n  \u4f60\u597d";
      assertThat(recognised.encode(text)).isEqualTo(decoded.encode(text));
    }
  }

  @Test
  void anyOtherVocabularyIsDecoded() throws IOException {
    var swapped = new ArrayList<>(GPT2.tokens());
    swapped.set(1, GPT2.tokens().get(2));
    swapped.set(2, GPT2.tokens().get(1));
    try (var file = file(swapped, GPT2.merges(), null)) {
      assertThat(GgufVocabulary.isGpt2(file)).isFalse();
      assertThat(GgufModel.tokenizer(file).encode("\"")).containsExactly(2);
    }
    try (var file = file(GPT2.tokens(), GPT2.merges().subList(0, 49_999), null)) {
      assertThat(GgufVocabulary.isGpt2(file)).isFalse();
    }
    try (var file = file(GPT2.tokens(), GPT2.merges(), 7)) {
      assertThat(GgufModel.tokenizer(file).padTokenId()).isEqualTo(7);
    }
  }

  @Test
  void addsTheBeginningAndTheEndOfText() throws IOException {
    for (var tokens : List.of(GPT2.tokens(), GPT2.tokens().reversed())) {
      var path = folder.resolve("ends.gguf");
      var end = tokens.indexOf("<|endoftext|>");
      var types = new int[tokens.size()];
      Arrays.fill(types, GgufVocabulary.NORMAL);
      types[end] = GgufVocabulary.CONTROL;
      var writer = new GgufWriter();
      var written =
          new GgufVocabulary(tokens, types, GPT2.merges(), end, end, null, true, true, false);
      written.putInto(writer);
      writer.write(path);
      try (var file = GgufFile.open(path)) {
        assertThat(GgufVocabulary.of(file)).isEqualTo(written);
        var tokenizer = GgufModel.tokenizer(file);
        assertThat(tokenizer.encode("!")).containsExactly(end, tokens.indexOf("!"), end);
        assertThat(ModelWriter.vocabulary(tokenizer).addBosToken()).isTrue();
        assertThat(ModelWriter.vocabulary(tokenizer).addEosToken()).isTrue();
        assertThat(tokenizer.withAddedTokens(false, true).encode("!"))
            .containsExactly(tokens.indexOf("!"), end);
        tokenizer.save(folder.resolve("saved"));
        assertThat(Tokenizer.load(folder.resolve("saved")).encode("!"))
            .containsExactly(end, tokens.indexOf("!"), end);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"trained", "legacy", "ranks", "prefix"})
  void encodesAsTheFolderAndAsTheFolderWrittenFromIt(String name) throws IOException {
    var original = Tokenizer.load(Path.of("src/test/resources/golden/tokenizers", name));
    assertEncodesAlike(original);
    assertThat(original.addsPrefixSpace()).isEqualTo(name.equals("prefix"));
  }

  @Test
  void gpt2sTokenizerKeepsAPrefixSpace() throws IOException {
    var original = Tokenizer.gpt2().withPrefixSpace(true);
    assertThat(original.encode("Hello")).isEqualTo(Tokenizer.gpt2().encode(" Hello"));
    assertEncodesAlike(original);
  }

  private void assertEncodesAlike(Tokenizer original) throws IOException {
    var path = folder.resolve("tokenizer.gguf");
    var writer = new GgufWriter();
    ModelWriter.vocabulary(original).putInto(writer);
    writer.write(path);
    Tokenizer read;
    try (var file = GgufFile.open(path)) {
      read = GgufModel.tokenizer(file);
    }
    read.save(folder.resolve("saved"));
    var saved = Tokenizer.load(folder.resolve("saved"));
    for (var text : List.of("Hello world", " Hello", "the<|endoftext|>the end\n", "")) {
      assertThat(read.encode(text)).as(text).isEqualTo(original.encode(text));
      assertThat(saved.encode(text)).as(text).isEqualTo(original.encode(text));
    }
    assertThat(read.addsPrefixSpace()).isEqualTo(original.addsPrefixSpace());
    assertThat(saved.addsPrefixSpace()).isEqualTo(original.addsPrefixSpace());
  }

  @Test
  void anIdWithoutATokenIsUnused() throws IOException {
    Files.writeString(folder.resolve("vocab.json"), "{\"a\": 0, \"b\": 2, \"<|endoftext|>\": 3}");
    Files.writeString(folder.resolve("merges.txt"), "#version: 0.2\n");
    var vocabulary = ModelWriter.vocabulary(Tokenizer.load(folder));
    assertThat(vocabulary.tokens()).containsExactly("a", "[PAD1]", "b", "<|endoftext|>");
    assertThat(vocabulary.types()[1]).isEqualTo(GgufVocabulary.UNUSED);
  }

  @Test
  void addedTokensWithoutEmbeddingsAreLeftOut() {
    var types = new int[] {GgufVocabulary.NORMAL, GgufVocabulary.CONTROL, GgufVocabulary.CONTROL};
    var vocabulary =
        new GgufVocabulary(
            List.of("a", "<e>", "<p>"), types, List.of(), 1, 1, 2, true, false, false);
    var fitted = vocabulary.withoutAddedFrom(2);
    assertThat(fitted.tokens()).containsExactly("a", "<e>");
    assertThat(fitted.eosTokenId()).isEqualTo(1);
    assertThat(fitted.padTokenId()).isNull();
    assertThatThrownBy(() -> vocabulary.withoutAddedFrom(0)).hasMessageContaining("at most 0");
  }

  private GgufFile file(List<String> tokens, List<String> merges, @Nullable Integer pad)
      throws IOException {
    var path = folder.resolve("vocabulary.gguf");
    var writer = new GgufWriter();
    new GgufVocabulary(tokens, GPT2.types(), merges, GPT2.bosTokenId(), GPT2.eosTokenId(), pad)
        .putInto(writer);
    writer.write(path);
    return GgufFile.open(path);
  }

  private static Tokenizer decoded(GgufVocabulary vocabulary) {
    return Tokenizer.of(
        vocabulary.tokens(),
        vocabulary.merges(),
        Tokenizer.gpt2().addedTokens(),
        vocabulary.bosTokenId(),
        vocabulary.eosTokenId(),
        vocabulary.padTokenId());
  }
}
