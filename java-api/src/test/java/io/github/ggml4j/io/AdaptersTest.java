package io.github.ggml4j.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.ggml4j.error.InvalidArgumentException;
import io.github.ggml4j.format.ModelFormatException;
import io.github.ggml4j.generation.GenerationConfig;
import io.github.ggml4j.generation.Generator;
import io.github.ggml4j.inference.InferenceSession;
import io.github.ggml4j.model.Gpt2Config;
import io.github.ggml4j.model.Gpt2Model;
import io.github.ggml4j.model.LoraAdapter;
import io.github.ggml4j.model.LoraConfig;
import io.github.ggml4j.quantization.Quantization;
import io.github.ggml4j.tensor.Device;
import io.github.ggml4j.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Adapters of PEFT against its logits (make_golden_lora.py). */
class AdaptersTest {
  private static final Path GOLDEN = Path.of("src/test/resources/golden/lora");
  private static final Path MODEL = Path.of("src/test/resources/golden/models/odd");
  private static final double TOLERANCE = 1e-4;

  @TempDir private Path folder;

  private static final JsonNode EXPECTED =
      JsonMapper.shared().readTree(GOLDEN.resolve("expected.json").toFile());

  private static int[] ids() {
    return EXPECTED.get("ids").valueStream().mapToInt(JsonNode::asInt).toArray();
  }

  private static float[] logits(Gpt2Model model, @Nullable String adapter, int... ids) {
    try (var session = InferenceSession.open(model, ids.length, "test", adapter)) {
      int sequence = session.newSequence();
      session.step(new int[] {sequence}, new int[][] {ids});
      var logits = new float[session.vocabSize()];
      session.logits(0, logits);
      return logits;
    }
  }

  private static void assertClose(float[] logits, JsonNode expected, double tolerance) {
    assertThat(logits).hasSize(expected.size());
    for (int i = 0; i < logits.length; i++) {
      double value = expected.get(i).asDouble();
      assertThat((double) logits[i])
          .as("logit %d", i)
          .isCloseTo(value, within(tolerance * Math.max(1, Math.abs(value))));
    }
  }

  private static JsonNode expected(String adapter, String what) {
    return EXPECTED.get("adapters").get(adapter).get(what);
  }

  @ParameterizedTest
  @ValueSource(strings = {"c_attn", "all", "patterns", "rslora", "regex", "excluded"})
  void logitsAreThoseOfPeft(String name) {
    try (var model = Models.load(MODEL)) {
      model.addAdapter(name, Adapters.load(GOLDEN.resolve(name), model));

      assertClose(logits(model, name, ids()), expected(name, "logits"), TOLERANCE);
      assertClose(logits(model, null, ids()), EXPECTED.get("base"), TOLERANCE);

      var before = logits(model, null, ids());
      model.merge(name);
      assertClose(logits(model, null, ids()), expected(name, "merged"), TOLERANCE);
      model.unmerge();
      assertThat(logits(model, null, ids())).isEqualTo(before);
    }
  }

  @Test
  void severalAdaptersAreChosenForEachCall() {
    try (var model = Models.load(MODEL)) {
      for (var name : List.of("c_attn", "all", "regex")) {
        model.addAdapter(name, Adapters.load(GOLDEN.resolve(name), model));
      }
      assertThat(model.adapters()).containsOnlyKeys("c_attn", "all", "regex");
      var config = GenerationConfig.builder().doSample(false).maxNewTokens(8).eosTokenIds().build();
      var texts = new HashMap<String, int[]>();
      try (var generator = new Generator(model, Tokenizer.gpt2())) {
        for (int round = 0; round < 2; round++) {
          for (var name : new ArrayList<>(List.of("", "c_attn", "all", "regex"))) {
            var chosen = config.toBuilder().adapter(name.isEmpty() ? null : name).build();
            int[] made = generator.generate(List.of(ids()), chosen).getFirst().getFirst().ids();
            if (round > 0) {
              assertThat(made).as(name).isEqualTo(texts.get(name));
            }
            texts.put(name, made);
          }
        }
        assertThat(texts.get("c_attn")).isNotEqualTo(texts.get("all"));
        assertThatThrownBy(
                () -> generator.generate(List.of(ids()), config.toBuilder().adapter("x").build()))
            .isInstanceOf(InvalidArgumentException.class)
            .hasMessageContaining("adapter is x, expected one of c_attn, all, regex");
      }
      model.removeAdapter("all");
      assertThatThrownBy(() -> logits(model, "all", ids()))
          .isInstanceOf(InvalidArgumentException.class);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"c_attn", "all", "patterns", "rslora", "regex", "excluded"})
  void writtenAdaptersAreReadAgain(String name) {
    try (var model = Models.load(MODEL);
        var adapter = Adapters.load(GOLDEN.resolve(name), model)) {
      Adapters.save(adapter, folder, "odd");

      var again = Adapters.load(folder, model);
      model.addAdapter("again", again);

      assertThat(again.config()).isEqualTo(adapter.config());
      assertClose(logits(model, "again", ids()), expected(name, "logits"), TOLERANCE);
    }
  }

  @Test
  void aNewAdapterChangesNothing() {
    try (var model = Models.load(MODEL)) {
      var config = LoraConfig.rank(3).withTargetModules("c_attn", "c_proj", "c_fc");
      var adapter = LoraAdapter.create(config, model, 1);
      model.addAdapter("new", adapter);

      assertThat(adapter.parameterCount()).isEqualTo(3 * 3 * (80 + 240 + 160 + 280 + 280));
      assertThat(logits(model, "new", ids())).isEqualTo(logits(model, null, ids()));
    }
  }

  @Test
  void quantizedModelsHaveAdapters() {
    var shape =
        Gpt2Config.builder().nLayer(2).nEmbd(64).nHead(4).vocabSize(300).nPositions(32).build();
    var quantized = folder.resolve("q8_0.gguf");
    var dequantized = folder.resolve("f32.gguf");
    try (var model = Gpt2Model.random(shape, Device.cpu(1), 3)) {
      Models.save(model, quantized, ModelExport.builder().quantization(Quantization.Q8_0).build());
    }
    try (var model = Models.load(quantized)) {
      Models.save(model, dequantized, ModelExport.builder().quantization(Quantization.F32).build());
    }
    int[] ids = {3, 100, 7, 9};
    var results = new ArrayList<float[]>();
    for (var path : List.of(quantized, dequantized)) {
      try (var model = Models.load(path)) {
        var config = LoraConfig.rank(4).withTargetModules("c_attn", "c_proj", "c_fc");
        var adapter = LoraAdapter.create(config, model, 5);
        adapter
            .tensors()
            .forEach((name, tensor) -> {
              var values = tensor.toFloats();
              for (int i = 0; i < values.length; i++) {
                values[i] = (float) Math.sin(i + name.length()) / 5;
              }
              tensor.setFloats(values);
            });
        model.addAdapter("a", adapter);
        results.add(logits(model, null, ids));
        results.add(logits(model, "a", ids));
        model.merge("a");
        results.add(logits(model, null, ids));
        model.unmerge();
        assertThat(logits(model, null, ids)).isEqualTo(results.get(results.size() - 3));
      }
    }
    double base = difference(results.get(0), results.get(3));
    assertThat(difference(results.get(0), results.get(1))).isGreaterThan(1e-2);
    assertThat(difference(results.get(1), results.get(4))).isLessThan(Math.max(1e-4, 4 * base));
    assertThat(difference(results.get(4), results.get(5))).isLessThan(1e-4);
    assertThat(difference(results.get(1), results.get(2))).isLessThan(5e-2);
  }

  private static double difference(float[] one, float[] other) {
    double most = 0;
    for (int i = 0; i < one.length; i++) {
      most = Math.max(most, Math.abs(one[i] - other[i]));
    }
    return most;
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "\"use_dora\": false | \"use_dora\": true | use_dora is true",
        "\"lora_bias\": false | \"lora_bias\": true | lora_bias is true",
        "\"bias\": \"none\" | \"bias\": \"all\" | bias is all",
        "\"modules_to_save\": null | \"modules_to_save\": [\"wte\"] | modules_to_save is [wte]",
        "\"layer_replication\": null | \"layer_replication\": [[0, 2]] | layer_replication is",
        "\"trainable_token_indices\": null | \"trainable_token_indices\": [3] |"
            + " trainable_token_indices is [3]",
        "\"alora_invocation_tokens\": null | \"alora_invocation_tokens\": [1] |"
            + " alora_invocation_tokens is [1]",
        "\"peft_type\": \"LORA\" | \"peft_type\": \"LOHA\" | peft_type is LOHA",
        "\"init_lora_weights\": true | \"init_lora_weights\": \"pissa\" |"
            + " init_lora_weights is pissa",
        "\"c_attn\" | \"wte\" | It includes wte, which cannot be adapted",
        "\"c_attn\" | \"lm_head\" | It includes lm_head, which cannot be adapted",
        "\"c_attn\" | \"query\" | targetModules is [query]",
        "\"c_attn\" | \"c_fc\" | has no tensor",
        "\"r\": 8 | \"r\": 7 | lora_A.weight has shape [8, 80]; expected [7, 80]",
        "\"r\": 8 | \"r\": 0 | r is 0, expected at least 1",
        "\"r\": 8 | \"r\": \"x\" | r is x; expected a whole number",
        "\"lora_alpha\": 8 | \"lora_alpha\": null | lora_alpha is null; expected a number",
        "\"new_option\": 0 | \"\": 1 | never",
      })
  void unsupportedOptionsAreErrorsByName(String option, String value, String message)
      throws IOException {
    var config = Files.readString(GOLDEN.resolve("c_attn").resolve("adapter_config.json"));
    if (message.equals("never")) {
      config = config.replaceFirst("\\{", "{\"new_option\": 1,");
    } else {
      assertThat(config).contains(option);
      config = config.replace(option, value);
    }
    Files.writeString(folder.resolve("adapter_config.json"), config);
    Files.copy(
        GOLDEN.resolve("c_attn").resolve("adapter_model.safetensors"),
        folder.resolve("adapter_model.safetensors"));
    try (var model = Models.load(MODEL)) {
      assertThatThrownBy(() -> Adapters.load(folder, model))
          .isInstanceOf(ModelFormatException.class)
          .hasMessageContaining(message.equals("never") ? "new_option is 1" : message);
    }
  }

  @Test
  void adaptersOfOtherModelsAreRefused() {
    try (var model = Models.load(MODEL);
        var other = Models.load(Path.of("src/test/resources/golden/models/tiny"))) {
      assertThatThrownBy(() -> Adapters.load(GOLDEN.resolve("c_attn"), other))
          .isInstanceOf(ModelFormatException.class)
          .hasMessageContaining("has shape [8, 80]; expected [8, 8]");
      assertThatThrownBy(() -> Adapters.load(MODEL, model))
          .hasMessageContaining("has no adapter_config.json");
      try (var adapter = LoraAdapter.create(LoraConfig.defaults(), model, 1)) {
        assertThatThrownBy(() -> other.addAdapter("x", adapter))
            .isInstanceOf(InvalidArgumentException.class);
      }
    }
  }

  @Test
  void whileOneIsMergedOthersCannotBeUsed() {
    try (var model = Models.load(MODEL)) {
      model.addAdapter("a", Adapters.load(GOLDEN.resolve("c_attn"), model));
      model.merge("a");

      assertThatThrownBy(() -> model.network("a")).hasMessageContaining("Call unmerge first");
      assertThatThrownBy(() -> model.merge("a")).hasMessageContaining("Call unmerge first");
      assertThatThrownBy(() -> model.removeAdapter("a")).hasMessageContaining("Call unmerge first");
      assertThatThrownBy(model::trainableWeights).hasMessageContaining("call unmerge");
    }
  }

  @Test
  void aTrainableModelIsMerged() {
    try (var model = Models.load(MODEL)) {
      model.addAdapter("a", Adapters.load(GOLDEN.resolve("all"), model));
      assertThat(model.trainableWeights().elements()).isPositive();
      assertClose(logits(model, "a", ids()), expected("all", "logits"), TOLERANCE);
      model.merge("a");
      assertClose(logits(model, null, ids()), expected("all", "merged"), TOLERANCE);
    }
  }

  @Test
  void anAdapterFolderIsNotAModel() {
    assertThatThrownBy(() -> Models.load(GOLDEN.resolve("c_attn")))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("is an adapter");
  }

  @Test
  void theScalingFollowsThePatterns() {
    var config =
        new LoraConfig(
            4,
            8,
            0,
            List.of("c_attn"),
            null,
            List.of(),
            List.of(),
            true,
            Map.of("h\\.1\\.attn\\.c_attn", 16),
            Map.of());

    assertThat(config.scalingOf("h.0.attn.c_attn")).isEqualTo(4);
    assertThat(config.scalingOf("h.1.attn.c_attn")).isEqualTo(2);
    assertThat(config.rankOf("h.11.attn.c_attn")).isEqualTo(4);
  }
}
