package io.github.ggml4j.io;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.ggml4j.model.Gpt2Config;
import io.github.ggml4j.model.Gpt2Model;
import io.github.ggml4j.tensor.Device;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Options of saving that one form of a model cannot use, and the progress of writing. */
class SaveOptionsTest {
  private static final Gpt2Config CONFIG =
      Gpt2Config.builder().vocabSize(30).nPositions(8).nEmbd(8).nLayer(1).nHead(2).build();

  @TempDir Path folder;

  private static List<String> warningsOf(Runnable action) {
    var messages = new ArrayList<String>();
    var logger = Logger.getLogger(Models.class.getName());
    var handler =
        new Handler() {
          @Override
          public void publish(LogRecord logRecord) {
            messages.add(logRecord.getMessage());
          }

          @Override
          public void flush() {}

          @Override
          public void close() {}
        };
    logger.addHandler(handler);
    logger.setUseParentHandlers(false);
    try {
      action.run();
    } finally {
      logger.removeHandler(handler);
      logger.setUseParentHandlers(true);
    }
    return messages;
  }

  @Test
  void aNameIsForGgufFiles() {
    try (var model = Gpt2Model.random(CONFIG, Device.cpu(1), 1)) {
      var named = ModelExport.builder().name("Story").build();

      assertThat(warningsOf(() -> Models.save(model, folder.resolve("x.gguf"), named))).isEmpty();
      assertThat(warningsOf(() -> Models.save(model, folder.resolve("x"), named)))
          .singleElement()
          .asString()
          .startsWith("The name \"Story\" is not written");
      var unnamed = ModelExport.builder().build();
      assertThat(warningsOf(() -> Models.save(model, folder.resolve("y"), unnamed))).isEmpty();
    }
  }

  @Test
  void progressCountsEachWeightOnce() {
    try (var model = Gpt2Model.random(CONFIG, Device.cpu(1), 1)) {
      for (var name : List.of("x.gguf", "x")) {
        var progress = new ArrayList<ModelExport.Progress>();
        Models.save(
            model, folder.resolve(name), ModelExport.builder().progress(progress::add).build());

        int total = model.tensors().size();
        assertThat(progress).hasSize(total).allMatch(p -> p.total() == total);
        for (int i = 0; i < total; i++) {
          assertThat(progress.get(i).written()).isEqualTo(i + 1);
        }
      }
    }
  }

  @Test
  void aWeightReadTwiceIsWrittenOnce() {
    try (var model = Gpt2Model.random(CONFIG, Device.cpu(1), 1)) {
      var progress = new ArrayList<ModelExport.Progress>();
      var export = ModelExport.builder().progress(progress::add).build();
      try (var weights = new ConvertedWeights(model, Map.of(), export, 1)) {
        weights.data("wte.weight");
        weights.data("wte.weight");
        weights.data("wpe.weight");
      }
      assertThat(progress).extracting(ModelExport.Progress::written).containsExactly(1, 1, 2);
    }
  }
}
