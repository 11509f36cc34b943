package io.github.ggml4j.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.ggml4j.format.Goldens;
import io.github.ggml4j.format.ModelFormatException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class Gpt2ConfigTest {
  @ParameterizedTest
  @ValueSource(strings = {"config-gpt2.json", "config-medium.json", "config-odd.json"})
  void jsonIsThatOfTransformers(String name) {
    String json = Goldens.text(name);
    String architectures = "  \"architectures\": [\n    \"GPT2LMHeadModel\"\n  ],\n";
    assertThat(Gpt2Config.fromJson(json).toJson().replace(architectures, "")).isEqualTo(json);
  }

  @ParameterizedTest
  @ValueSource(strings = {"f32/config.json", "f16/config.json", "untied/config.json"})
  void jsonOfSavedModelsIsKept(String name) {
    assertThat(Gpt2Config.fromJson(Goldens.text(name)).toJson()).isEqualTo(Goldens.text(name));
  }

  @Test
  void presetsAreThePublishedSizes() {
    assertThat(Gpt2Config.fromJson(Goldens.text("config-gpt2.json")).toBuilder().build())
        .isEqualTo(Gpt2Config.gpt2().toBuilder().other("transformers_version", version()).build());
    assertThat(Gpt2Config.fromJson(Goldens.text("config-medium.json")))
        .isEqualTo(
            Gpt2Config.gpt2Medium().toBuilder().other("transformers_version", version()).build());
    assertThat(Gpt2Config.gpt2Large().headSize()).isEqualTo(64);
    assertThat(Gpt2Config.gpt2Xl().headSize()).isEqualTo(64);
    assertThat(Gpt2Config.gpt2Xl().nInner()).isEqualTo(6400);
  }

  @Test
  void oldConfigurationsAreRead() {
    Gpt2Config config = Gpt2Config.fromJson(Goldens.text("old/config.json"));
    assertThat(config.nInner()).isEqualTo(20);
    assertThat(config.nPositions()).isEqualTo(9);
    assertThat(config.other()).containsEntry("n_ctx", 9L);
    assertThat(config.toJson())
        .contains("\"max_length\": 50", "\"model_type\": \"gpt2\"", "\"n_ctx\": 9")
        .contains("\"pad_token_id\": null");
  }

  @Test
  void otherNamesAndFormsAreUnderstood() {
    Gpt2Config config =
        Gpt2Config.fromJson(
            """
            {"model_type": "gpt2", "hidden_size": 20, "num_attention_heads": 5,
             "num_hidden_layers": 3, "max_position_embeddings": 7, "eos_token_id": [4],
             "pad_token_id": -1, "bos_token_id": null, "torch_dtype": "float16",
             "resid_pdrop": 0, "tie_word_embeddings": false}
            """);
    assertThat(config.nEmbd()).isEqualTo(20);
    assertThat(config.nHead()).isEqualTo(5);
    assertThat(config.nLayer()).isEqualTo(3);
    assertThat(config.nPositions()).isEqualTo(7);
    assertThat(config.nInner()).isEqualTo(80);
    assertThat(config.eosTokenId()).isEqualTo(4);
    assertThat(config.padTokenId()).isNull();
    assertThat(config.bosTokenId()).isNull();
    assertThat(config.other()).containsEntry("dtype", "float16").doesNotContainKey("hidden_size");
    assertThat(config.tieWordEmbeddings()).isFalse();
    assertThat(Gpt2Config.fromJson(config.toJson())).isEqualTo(config);
    assertThat(config.toBuilder().build()).isEqualTo(config);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "'model_type':'llama'|model_type is llama",
        "'n_head':5|n_embd is 768, expected a multiple of n_head (5)",
        "'n_head':0|n_head is 0",
        "'n_layer':-3|n_layer is -3",
        "'n_layer':1000000000|n_layer is 1000000000",
        "'n_layer':1e3|n_layer is 1000.0",
        "'n_layer':99999999999999999999|n_layer is 99999999999999999999",
        "'n_layer':null|n_layer is null",
        "'n_embd':'768'|n_embd is 768, expected a whole number",
        "'n_inner':0|n_inner is 0",
        "'n_positions':4294967296|n_positions is 4294967296",
        "'vocab_size':0|vocab_size is 0",
        "'activation_function':'prelu'|activation_function is prelu",
        "'activation_function':5|activation_function is 5",
        "'resid_pdrop':1|resid_pdrop is 1.0",
        "'attn_pdrop':-0.1|attn_pdrop is -0.1",
        "'embd_pdrop':true|embd_pdrop is true",
        "'layer_norm_epsilon':0|layer_norm_epsilon is 0.0",
        "'initializer_range':-1|initializer_range is -1.0",
        "'tie_word_embeddings':1|tie_word_embeddings is 1, expected true or false",
        "'add_cross_attention':true|add_cross_attention is true",
        "'quantization_config':{}|quantization_config",
        "'eos_token_id':[1,'x']|eos_token_id is [1, x]",
        "'bos_token_id':[1,2]|bos_token_id is [1, 2]",
        "'eos_token_id':-7|eos_token_id is -7",
        "'bos_token_id':[[]]|bos_token_id"
      })
  void settingsThatCannotBeAreNamedErrors(String setting, String expected) {
    String json = "{\"n_embd\":768,\"n_layer\":12," + setting.replace('\'', '"') + "}";
    if (setting.contains("n_embd") || setting.contains("n_layer")) {
      json = "{\"model_type\":\"gpt2\"," + setting.replace('\'', '"') + "}";
    }
    String text = json;
    assertThatThrownBy(() -> Gpt2Config.fromJson(text, "dir/config.json"))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageStartingWith("dir/config.json: ")
        .hasMessageContaining(expected);
  }

  @Test
  void otherJsonIsNoConfiguration() {
    assertThatThrownBy(() -> Gpt2Config.fromJson("{}"))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("model_type");
    assertThatThrownBy(() -> Gpt2Config.builder().nHead(7).build())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("n_head (7)");
    assertThatThrownBy(() -> Gpt2Config.builder().nEmbd(Integer.MAX_VALUE).build())
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void otherKeysCannotBeChangedFromOutside() {
    assertThatThrownBy(() -> Gpt2Config.gpt2().other().put("a", 1))
        .isInstanceOf(UnsupportedOperationException.class);
  }

  private static Object version() {
    return java.util.Objects.requireNonNull(
        Gpt2Config.fromJson(Goldens.text("config-gpt2.json")).other().get("transformers_version"));
  }
}
