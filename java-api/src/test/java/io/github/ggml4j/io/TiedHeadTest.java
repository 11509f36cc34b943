package io.github.ggml4j.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.ggml4j.Golden;
import io.github.ggml4j.inference.InferenceSession;
import io.github.ggml4j.model.Gpt2Model;
import io.github.ggml4j.quantization.Quantization;
import io.github.ggml4j.tensor.Device;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/**
 * Models whose {@code config.json} ties the head to the embedding, while their files hold a head of
 * its own or no embedding. Written by {@code make_golden_heads.py}, with the logits that
 * transformers computes.
 */
class TiedHeadTest {
  private static final Path FOLDER = Golden.path("heads");
  private static final double TOLERANCE = 1e-4;

  @TempDir private Path folder;

  @ParameterizedTest
  @ValueSource(
      strings = {"differs", "differs-bin", "differs-sharded", "only-head", "same", "same-bin"})
  void theHeadIsThatOfTransformers(String name) {
    var golden = golden(name);
    try (var model = Models.load(FOLDER.resolve(name), Device.cpu(1))) {
      assertThat(model.config().tieWordEmbeddings()).isEqualTo(golden.get("tied").asBoolean());
      assertLogits(model, golden);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"differs", "only-head"})
  void savedFormsKeepTheHead(String name) {
    var golden = golden(name);
    var gguf = folder.resolve("model.gguf");
    var saved = folder.resolve("saved");
    try (var model = Models.load(FOLDER.resolve(name), Device.cpu(1))) {
      Models.save(model, gguf, ModelExport.builder().quantization(Quantization.F32).build());
      Models.save(model, saved, ModelExport.builder().quantization(Quantization.F32).build());
    }
    for (var path : new Path[] {gguf, saved}) {
      try (var model = Models.load(path, Device.cpu(1))) {
        assertThat(model.config().tieWordEmbeddings()).isEqualTo(golden.get("tied").asBoolean());
        assertLogits(model, golden);
      }
    }
  }

  @Test
  void theSavedConfigurationSaysThatTheHeadIsNotTied() {
    var saved = folder.resolve("saved");
    try (var model = Models.load(FOLDER.resolve("differs"), Device.cpu(1))) {
      Models.save(model, saved, ModelExport.builder().quantization(Quantization.F32).build());
    }
    assertThat(ModelFiles.readConfig(saved).tieWordEmbeddings()).isFalse();
  }

  private static JsonNode golden(String name) {
    return Golden.json("heads/expected.json").get(name);
  }

  private static void assertLogits(Gpt2Model model, JsonNode golden) {
    var logits = InferenceSession.logits(model, Golden.ints(golden.get("prompt")));
    for (int t = 0; t < logits.length; t++) {
      var row = golden.get("logits").get(t);
      assertThat(logits[t]).hasSize(row.size());
      for (int i = 0; i < logits[t].length; i++) {
        assertThat((double) logits[t][i]).isCloseTo(row.get(i).asDouble(), within(TOLERANCE));
      }
    }
  }
}
