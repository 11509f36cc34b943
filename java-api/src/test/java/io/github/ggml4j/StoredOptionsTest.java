package io.github.ggml4j;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.ggml4j.format.gguf.GgufFile;
import io.github.ggml4j.generation.FinishReason;
import io.github.ggml4j.generation.GenerationConfig;
import io.github.ggml4j.io.ModelFiles;
import io.github.ggml4j.quantization.Quantization;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Options of generation in a model's files are honoured, and survive saving in any form. */
class StoredOptionsTest {
  private static final String PROMPT = "Once upon a time";

  @TempDir private Path folder;

  /** The case as it is, saved as a folder, as a GGUF file, and as a folder of that file. */
  private List<Path> forms(Path model) {
    var copy = folder.resolve("copy");
    var gguf = folder.resolve("model.gguf");
    var again = folder.resolve("again");
    convert(model, copy);
    convert(model, gguf);
    convert(gguf, again);
    return List.of(model, copy, gguf, again);
  }

  private static void convert(Path from, Path to) {
    try (var generator = TextGenerator.load(from)) {
      generator.save(to, Quantization.F32);
    }
  }

  private Path changed(String name, String file, String content) throws IOException {
    var result = folder.resolve("changed");
    Files.createDirectories(result);
    try (var files = Files.list(Golden.path("cases/" + name))) {
      for (var each : files.toList()) {
        Files.copy(each, result.resolve(String.valueOf(each.getFileName())));
      }
    }
    Files.writeString(result.resolve(file), content);
    return result;
  }

  private String config(String name) throws IOException {
    return Files.readString(Golden.path("cases/" + name + "/config.json"));
  }

  @Test
  void optionsInTheConfigurationOfAnOlderModelAreUsed() {
    for (var path : forms(Golden.path("cases/config-options"))) {
      try (var generator = TextGenerator.load(path)) {
        assertThat(generator.tokenizer().encode(PROMPT)).hasSize(8).startsWith(349, 308);
        var sequence = generator.generateDetailed(PROMPT, _ -> {}).getFirst();
        assertThat(sequence.ids()).as("%s", path).containsExactly(199);
        assertThat(generator.defaults().temperature()).isEqualTo(0.7f);
      }
    }
  }

  @Test
  void optionsForTextGenerationTakePrecedence() throws IOException {
    var config =
        config("config-options")
            .replace(
                "\"do_sample\": true",
                "\"bad_words_ids\": [[7]], \"task_specific_params\": {\"text-generation\":"
                    + " {\"max_length\": 11, \"no_repeat_ngram_size\": 2}}");
    for (var path : forms(changed("config-options", "config.json", config))) {
      try (var generator = TextGenerator.load(path)) {
        var defaults = generator.defaults();
        assertThat(defaults.maxLength()).as("%s", path).isEqualTo(11);
        assertThat(defaults.noRepeatNgramSize()).isEqualTo(2);
        assertThat(defaults.topK()).isEqualTo(1);
        assertThat(defaults.badWordsIds()).containsExactly(List.of(7));
      }
    }
  }

  @Test
  void generationConfigTakesPrecedenceOverTheConfiguration() throws IOException {
    var path = changed("config-options", "generation_config.json", "{\"top_k\": 3}");
    try (var generator = TextGenerator.load(path)) {
      assertThat(generator.defaults())
          .isEqualTo(GenerationConfig.builder().doSample(true).topK(3).build());
    }
  }

  @Test
  void theEndOfTextIsThatOfTheModel() throws IOException {
    for (var path : forms(Golden.path("cases/eos-gguf"))) {
      try (var generator = TextGenerator.load(path)) {
        var sequence =
            generator.generateDetailed(PROMPT, g -> g.doSample(false).maxNewTokens(30)).getFirst();
        assertThat(sequence.ids())
            .as("%s", path)
            .containsExactly(191, 191, 191, 191, 191, 191, 191, 191, 82, 194, 191, 160);
        assertThat(sequence.finishReason()).isEqualTo(FinishReason.EOS);
      }
    }
    try (var file = GgufFile.open(folder.resolve("model.gguf"))) {
      assertThat(file.get("tokenizer.ggml.eos_token_id").asInt(0, 1000)).isEqualTo(160);
      assertThat(file.get("tokenizer.ggml.bos_token_id").asInt(0, 1000)).isZero();
    }
  }

  @Test
  void severalEndsOfTextAreAllUsed() throws IOException {
    var several =
        config("eos-gguf").replace("\"eos_token_id\": 160", "\"eos_token_id\": [399, 82]");
    var path = changed("eos-gguf", "config.json", several);
    Files.delete(path.resolve("generation_config.json"));
    for (var form : forms(path)) {
      try (var generator = TextGenerator.load(form)) {
        assertThat(generator.model().eosTokenIds()).as("%s", form).containsExactly(399, 82);
        var ids =
            generator
                .generateDetailed(PROMPT, g -> g.doSample(false).maxNewTokens(30))
                .getFirst()
                .ids();
        assertThat(ids).hasSize(9).endsWith(191, 82);
      }
    }
    try (var files = ModelFiles.open(path)) {
      assertThat(files.config().eosTokenIds()).containsExactly(399, 82);
      assertThat(files.config().eosTokenId()).isEqualTo(399);
    }
  }

  /** As transformers, which reads {@code config.json} only if the file is missing. */
  @Test
  void aGenerationConfigWithoutAnEndOfTextRunsToTheMaximum() throws IOException {
    for (var content :
        List.of(
            "{\"bos_token_id\": 5}",
            "{\"eos_token_id\": null, \"bos_token_id\": 5}",
            "{\"eos_token_id\": [], \"bos_token_id\": 5}")) {
      var path = folder.resolve("changed");
      if (Files.exists(path)) {
        Files.writeString(path.resolve("generation_config.json"), content);
      } else {
        path = changed("eos-gguf", "generation_config.json", content);
      }
      for (var form : forms(path)) {
        try (var generator = TextGenerator.load(form)) {
          assertThat(generator.model().eosTokenIds()).as("%s", form).isEmpty();
          assertThat(generator.model().bosTokenId()).isEqualTo(5);
          var sequence =
              generator
                  .generateDetailed(PROMPT, g -> g.doSample(false).maxNewTokens(30))
                  .getFirst();
          assertThat(sequence.finishReason()).isEqualTo(FinishReason.LENGTH);
        }
      }
    }
  }
}
