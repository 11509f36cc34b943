package io.github.ggml4j.examples;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.ggml4j.io.ModelFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Runs one step of the recipe of the bundled model. */
class TrainBundledModelTest {
  @Test
  void paragraphsBecomeLines() {
    assertThat(
            TrainBundledModel.unwrap(
                "[Title 1920]\n\n\nI\n\nIt was\n  a dark \nnight.\n \nRain;\nwind.\n"))
        .isEqualTo("[Title 1920]\nI\nIt was a dark night.\nRain; wind.");
  }

  @Test
  void writesAModelThatLoads(@TempDir Path folder) throws IOException {
    Files.writeString(
        folder.resolve("book.txt"), "Once upon a time\nthere was a book.\n\n".repeat(20));
    var output = folder.resolve("model.gguf");
    TrainBundledModel.main(folder.toString(), output.toString(), "1");
    try (var files = ModelFiles.open(output)) {
      assertThat(files.config().nEmbd()).isEqualTo(192);
      assertThat(files.config().nPositions()).isEqualTo(256);
      assertThat(files.tokenizer().decode(files.tokenizer().encode("Once"))).isEqualTo("Once");
    }
  }
}
