package io.github.ggml4j.quantization;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.ggml4j.format.ModelFormatException;
import io.github.ggml4j.format.gguf.ImatrixFile;
import io.github.ggml4j.model.Gpt2Config;
import io.github.ggml4j.model.Gpt2Model;
import io.github.ggml4j.tensor.Device;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ImportanceMatrixTest {
  private static final Gpt2Config CONFIG =
      Gpt2Config.builder()
          .vocabSize(50)
          .nPositions(16)
          .nEmbd(32)
          .nLayer(2)
          .nHead(4)
          .tieWordEmbeddings(false)
          .build();

  private static final int MUTATIONS = 20_000;

  @TempDir Path folder;

  private static int[] tokens(int count) {
    var random = new SplittableRandom(7);
    return random.ints(count, 0, CONFIG.vocabSize()).toArray();
  }

  private static float[] find(Map<String, float[]> all, String name) {
    return Objects.requireNonNull(all.get(name), name);
  }

  @Test
  void bothFormsOfAttentionCountTheSame() {
    var options = ImportanceMatrix.Options.defaults().head(true);
    ImportanceMatrix fused;
    ImportanceMatrix stock;
    try (var model = Gpt2Model.random(CONFIG, Device.cpu(1), 5)) {
      fused = ImportanceMatrix.compute(model, tokens(70), options);
    }
    try (var model = Gpt2Model.random(CONFIG, Device.open("cpu-stock", 1), 5)) {
      stock = ImportanceMatrix.compute(model, tokens(70), options);
    }
    assertThat(fused.chunkCount()).isEqualTo(4);
    assertThat(fused.chunkSize()).isEqualTo(16);
    assertThat(fused.size()).isEqualTo(9);
    fused
        .meanSquares()
        .forEach((name, values) -> {
          var other = find(stock.meanSquares(), name);
          for (int i = 0; i < values.length; i++) {
            assertThat(values[i]).as(name).isCloseTo(other[i], within(1e-4f * values[i] + 1e-8f));
          }
        });
  }

  @Test
  void theFirstMatrixSeesTheNormedEmbeddings() {
    try (var model = Gpt2Model.random(CONFIG, Device.cpu(1), 5)) {
      var matrix = ImportanceMatrix.compute(model, tokens(16));
      var values = find(matrix.meanSquares(), "blk.0.attn_qkv.weight");
      double sum = 0;
      for (float value : values) {
        sum += value;
      }
      // LayerNorm with weights 1: the squares of each token's 32 inputs add up to 32.
      assertThat(sum / 32).isCloseTo(1, within(0.05));
      assertThat(matrix.meanSquares()).doesNotContainKey("output.weight");
    }
  }

  @Test
  void filesOfBothFormsComeBack() {
    try (var model = Gpt2Model.random(CONFIG, Device.cpu(1), 5)) {
      var options = ImportanceMatrix.Options.defaults().source("book.txt").context(8).chunks(3);
      var matrix = ImportanceMatrix.compute(model, tokens(64), options);
      for (var name : List.of("m.gguf", "m.dat")) {
        matrix.save(folder.resolve(name));
        var read = ImportanceMatrix.read(folder.resolve(name));
        assertThat(read.chunkCount()).isEqualTo(3);
        assertThat(read.sources()).containsExactly("book.txt");
        assertClose(read.meanSquares(), matrix.meanSquares());
      }
      var old = ImportanceMatrix.read(folder.resolve("m.dat"));
      var twice = old.plus(matrix);
      assertThat(twice.chunkCount()).isEqualTo(6);
      assertClose(twice.meanSquares(), matrix.meanSquares());
    }
  }

  private static void assertClose(Map<String, float[]> actual, Map<String, float[]> expected) {
    assertThat(actual.keySet()).isEqualTo(expected.keySet());
    expected.forEach((name, values) -> {
      for (int i = 0; i < values.length; i++) {
        assertThat(find(actual, name)[i]).isCloseTo(values[i], within(1e-6f * values[i]));
      }
    });
  }

  @Test
  void whatTheOlderFormCannotCountIsAnError() {
    var entry = new ImatrixFile.Entry(new float[] {1}, new long[] {1L << 40});
    var file = new ImatrixFile(Map.of("blk.0.ffn_up.weight", entry), List.of(), 1, 0);
    assertThatThrownBy(() -> file.write(folder.resolve("m.dat")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("blk.0.ffn_up.weight")
        .hasMessageContaining("GGUF");
    assertThat(folder.resolve("m.dat")).doesNotExist();
  }

  @Test
  void wrongUseIsAClearError() {
    try (var model = Gpt2Model.random(CONFIG, Device.cpu(1), 5)) {
      assertThatThrownBy(() -> ImportanceMatrix.compute(model, tokens(15)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("number of tokens is 15, expected at least 16");
      assertThatThrownBy(() ->
              ImportanceMatrix.compute(
                  model, tokens(40), ImportanceMatrix.Options.defaults().context(17)))
          .hasMessageContaining("n_positions");
      assertThatThrownBy(
              () -> ImportanceMatrix.compute(model, new int[16 * 1000 + 50]).save(folder))
          .hasMessageContaining("folder");
    }
    assertThatThrownBy(() -> ImportanceMatrix.read(folder.resolve("none")))
        .isInstanceOf(ModelFormatException.class);
  }

  @Test
  void damagedFilesAreClearErrors() throws IOException {
    var entry = new ImatrixFile.Entry(new float[] {1, 2, 3, 4}, new long[] {5});
    var file =
        new ImatrixFile(
            Map.of("blk.0.attn_qkv.weight", entry, "blk.0.ffn_up.weight", entry),
            List.of("text"),
            2,
            512);
    for (var name : List.of("m.gguf", "m.dat")) {
      file.write(folder.resolve(name));
      mutate(Files.readAllBytes(folder.resolve(name)));
    }
  }

  private static void mutate(byte[] seed) {
    var random = new SplittableRandom(seed.length);
    int opened = 0;
    for (int i = 0; i < MUTATIONS; i++) {
      var bytes =
          Arrays.copyOf(seed, random.nextInt(8) == 0 ? random.nextInt(seed.length) : seed.length);
      for (int k = random.nextInt(4); k >= 0 && bytes.length > 0; k--) {
        int at = random.nextInt(bytes.length);
        bytes[at] =
            (byte) (random.nextBoolean() ? random.nextInt() : bytes[at] ^ 1 << random.nextInt(8));
      }
      try {
        var read = ImatrixFile.of(MemorySegment.ofArray(bytes), "mutated");
        read.entries().values().forEach(ImatrixFile.Entry::means);
        opened++;
      } catch (ModelFormatException e) {
        assertThat(e).hasMessageContaining("mutated");
      }
    }
    assertThat(opened).isPositive();
  }
}
