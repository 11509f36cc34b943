package io.github.ggml4j.tokenizer;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.ggml4j.format.internal.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** GPT-2's own vocabulary. */
class TokenizerTest {
  private static final Tokenizer GPT2 = Tokenizer.gpt2();

  @Test
  void encodesAsGpt2() {
    assertThat(GPT2.encode("Hello, world!")).containsExactly(15496, 11, 995, 0);
    assertThat(GPT2.encode("Once upon a time")).containsExactly(7454, 2402, 257, 640);
    assertThat(GPT2.encode("a<|endoftext|>b")).containsExactly(64, 50256, 65);
    assertThat(GPT2.encode("")).isEmpty();
  }

  @Test
  void decodesWhatItEncodes() {
    String text = "It's 42 \u00e9t\u00e9s,\n\n  \ud83d\ude00 \u4f60\u597d<|endoftext|>";
    assertThat(GPT2.decode(GPT2.encode(text))).isEqualTo(text);
    assertThat(GPT2.decode(GPT2.encode(text), true)).isEqualTo(text.replace("<|endoftext|>", ""));
  }

  @Test
  void streamsWholeCharacters() {
    String text = "caf\u00e9 \ud83d\ude00\ud83c\uddeb\ud83c\uddf7!";
    StreamingDecoder decoder = GPT2.streamingDecoder();
    StringBuilder streamed = new StringBuilder();
    for (int id : GPT2.encode(text)) {
      String piece = decoder.push(id);
      assertThat(piece).doesNotContain("\ufffd");
      streamed.append(piece);
    }
    assertThat(streamed.append(decoder.flush()).toString()).isEqualTo(text);
  }

  @Test
  void knowsItsTokens() {
    assertThat(GPT2.vocabSize()).isEqualTo(50257);
    assertThat(GPT2.eosTokenId()).isEqualTo(50256);
    assertThat(GPT2.padTokenId()).isEqualTo(50256);
    assertThat(GPT2.idToToken(262)).isEqualTo("\u0120the");
    assertThat(GPT2.tokenToId("\u0120the")).isEqualTo(262);
    assertThat(GPT2.tokenToId("no such token")).isEqualTo(-1);
  }

  @Test
  void padsWithTheTokenOfChoice() {
    Tokenizer tokenizer = GPT2.withPadTokenId(0);
    EncodeOptions options =
        EncodeOptions.defaults()
            .withPadding(EncodeOptions.Padding.LONGEST, EncodeOptions.Side.LEFT);
    List<Encoding> batch = tokenizer.encodeBatch(List.of("Hello", "Hello, world!"), options);
    assertThat(batch.get(0).ids()).containsExactly(0, 0, 0, 15496);
    assertThat(batch.get(0).attentionMask()).containsExactly(0, 0, 0, 1);
    assertThat(tokenizer.files().get("special_tokens_map.json"))
        .asString(UTF_8)
        .contains("\"pad_token\": \"!\"");
    assertThat(GPT2.padTokenId()).isEqualTo(50256);
    assertThatThrownBy(() -> GPT2.withPadTokenId(50257))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("50257");
  }

  @Test
  void theMaximumLengthIsAtMostThatOfTheModel(@TempDir Path folder) throws IOException {
    assertThat(maxLength(GPT2.files())).isEqualTo(1024L);
    assertThat(maxLength(GPT2.files(256))).isEqualTo(256L);
    assertThat(maxLength(GPT2.files(2048))).isEqualTo(1024L);
    GPT2.save(folder);
    Files.writeString(folder.resolve("tokenizer_config.json"), "{\"model_max_length\": 1e30}");
    assertThat(maxLength(Tokenizer.load(folder).files(256))).isEqualTo(256L);
    Files.writeString(folder.resolve("tokenizer_config.json"), "{\"model_max_length\": 128}");
    assertThat(maxLength(Tokenizer.load(folder).files(256))).isEqualTo(128L);
  }

  private static @Nullable Object maxLength(Map<String, byte[]> files) {
    var config = new String(Objects.requireNonNull(files.get("tokenizer_config.json")), UTF_8);
    return Json.parseObject(config, "tokenizer_config.json").get("model_max_length");
  }
}
