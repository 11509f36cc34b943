package io.github.ggml4j.trainer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.ggml4j.inference.InferenceSession;
import io.github.ggml4j.io.ModelFiles;
import io.github.ggml4j.io.Models;
import io.github.ggml4j.model.Gpt2Config;
import io.github.ggml4j.model.Gpt2Model;
import io.github.ggml4j.tensor.Device;
import io.github.ggml4j.tokenizer.Tokenizer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ModelOutputTest {
  @TempDir Path temp;

  private static TrainingResult train(Gpt2Model model, Tokenizer tokenizer, Path saveTo) {
    return Trainer.of(model, tokenizer)
        .maxSequenceLength(16)
        .maxSteps(2)
        .saveTo(saveTo)
        .fit(TestModels.documents(10));
  }

  /** A saved model has everything it needs to load: weights, configuration and tokenizer. */
  @ParameterizedTest
  @ValueSource(strings = {"folder", "deep/folder", "model.gguf", "deep/MODEL.GGUF"})
  void savedModelLoads(String name) {
    Path path = temp.resolve(name);
    Tokenizer tokenizer = TestModels.tokenizer();
    String text = "Some text<|endoftext|> größe 😀";
    try (Gpt2Model model = TestModels.odd()) {
      assertThat(train(model, tokenizer, path).savedTo()).contains(path);
      ModelFiles files = ModelFiles.open(path);
      Tokenizer loaded = files.tokenizer();
      assertThat(loaded.encode(text)).isEqualTo(tokenizer.encode(text)).contains(256);
      assertThat(loaded.decode(loaded.encode(text), true)).isEqualTo("Some text größe 😀");
      // A GGUF file has one place for the end of text, and the model's id takes precedence there.
      int eos = files.isGguf() ? model.config().eosTokenIds().getFirst() : tokenizer.eosTokenId();
      assertThat(loaded.eosTokenId()).isEqualTo(eos);
      assertThat(loaded.padTokenId()).isEqualTo(256);
      try (Gpt2Model saved = Models.load(files, Device.cpu(1))) {
        assertThat(saved.config().nPositions()).isEqualTo(model.config().nPositions());
        assertThat(InferenceSession.logits(saved, 1, 2, 3))
            .isDeepEqualTo(InferenceSession.logits(model, 1, 2, 3));
      }
    }
  }

  @Test
  void gpt2sTokenizerSurvivesBothFormats() {
    Tokenizer tokenizer = Tokenizer.gpt2();
    Gpt2Config config = Gpt2Config.builder().nLayer(1).nHead(1).nEmbd(8).nPositions(16).build();
    String text = "Once upon a time, it's 1.000 größe 😀\n\n\tdone<|endoftext|>";
    for (String name : new String[] {"folder", "model.gguf"}) {
      try (Gpt2Model model = Gpt2Model.random(config, Device.cpu(1), 1)) {
        train(model, tokenizer, temp.resolve(name));
      }
      try (ModelFiles files = ModelFiles.open(temp.resolve(name))) {
        assertThat(files.tokenizer().encode(text)).as(name).isEqualTo(tokenizer.encode(text));
        assertThat(files.tokenizer().merges()).isEqualTo(tokenizer.merges());
        assertThat(files.tokenizer().tokens()).isEqualTo(tokenizer.tokens());
        assertThat(files.tokenizer().addedTokens()).hasSize(1);
      }
    }
  }

  @Test
  void unwritableOutputsAreRefusedBeforeTheFirstStep() throws IOException {
    Path file = Files.writeString(temp.resolve("file"), "x");
    Path folder = Files.createDirectory(temp.resolve("folder.gguf"));
    try (Gpt2Model model = TestModels.odd()) {
      Tokenizer tokenizer = TestModels.tokenizer();
      assertThatThrownBy(() -> train(model, tokenizer, file))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContainingAll("saveTo", "a writable folder");
      assertThatThrownBy(() -> train(model, tokenizer, file.resolve("below")))
          .hasMessageContainingAll("saveTo", "a writable folder");
      assertThatThrownBy(() -> train(model, tokenizer, file.resolve("model.gguf")))
          .hasMessageContainingAll("saveTo", "a writable folder");
      assertThatThrownBy(() -> train(model, tokenizer, folder))
          .hasMessageContainingAll("saveTo", "it is a folder");
    }
    Gpt2Config relu =
        Gpt2Config.builder()
            .nLayer(1)
            .nHead(1)
            .nEmbd(8)
            .vocabSize(300)
            .activationFunction("relu")
            .build();
    try (Gpt2Model model = Gpt2Model.random(relu, Device.cpu(1), 1)) {
      assertThatThrownBy(() -> train(model, TestModels.tokenizer(), temp.resolve("x.gguf")))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("relu");
    }
    assertThat(temp.resolve("x.gguf")).doesNotExist();
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void metricsAloneAreDeletedWhenSavingFails(boolean ownFolder) throws IOException {
    Path model = temp.resolve("model.gguf");
    Path metrics = temp.resolve("out").resolve("metrics.jsonl");
    if (!ownFolder) {
      Files.createDirectory(temp.resolve("out"));
    }
    TrainingListener inTheWay =
        new TrainingListener() {
          @Override
          public void onStepEnd(StepMetrics step, TrainerControl control) {
            assertThat(metrics).isNotEmptyFile();
            try {
              Files.createDirectories(model.resolve("in the way"));
            } catch (IOException e) {
              throw new UncheckedIOException(e);
            }
          }
        };
    try (Gpt2Model trained = TestModels.odd()) {
      Trainer trainer =
          Trainer.of(trained, TestModels.tokenizer())
              .maxSequenceLength(16)
              .maxSteps(1)
              .metrics(metrics)
              .listener(inTheWay)
              .saveTo(model);
      assertThatThrownBy(() -> trainer.fit(TestModels.documents(10)))
          .isInstanceOf(UncheckedIOException.class);
    }
    assertThat(Files.exists(temp.resolve("out"))).isEqualTo(!ownFolder);
    assertThat(model).isDirectoryContaining("glob:**in the way");
  }
}
