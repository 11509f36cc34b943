package io.github.ggml4j.trainer;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.ggml4j.trainer.data.Datasets;
import io.github.ggml4j.trainer.optim.AdamW;
import io.github.ggml4j.trainer.schedule.CosineWarmup;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A training that is killed again and again ends with the same weights, to the last bit, as one
 * that is not: streamed and shuffled, with dropout, accumulation and evaluation. Runs a few kills;
 * {@code -Dggml4j.kills=200} runs more.
 */
class KillTest {
  private static final int KILLS = Integer.getInteger("ggml4j.kills", 6);
  private static final int STEPS = 150;

  /** Longer than the start of the process, so that each run makes progress. */
  private static final int MAX_MILLIS = 2500;

  @TempDir private Path temp;

  /** The process. */
  static final class Training {
    private Training() {}

    public static void main(String[] args) {
      Path output = Path.of(args[0]);
      try (var model = TestModels.odd()) {
        Trainer.of(model, TestModels.tokenizer())
            .maxSequenceLength(48)
            .packing(true)
            .batchSize(2)
            .gradientAccumulationSteps(2)
            .dropout(0.1)
            .optimizer(AdamW.learningRate(1e-3))
            .schedule(CosineWarmup.steps(5))
            .maxSteps(STEPS)
            .checkpoints(output)
            .saveSteps(4)
            .evaluate(TestModels.documents(8))
            .evalSteps(6)
            .earlyStoppingPatience(1000)
            .saveBest(true)
            .resume(true)
            .metrics(output.resolve("metrics.jsonl"))
            .saveTo(output.resolve("model"))
            .fit(new TestModels.Streamed(Datasets.load("text", Path.of(args[1])).shuffle(50, 7)));
      }
    }
  }

  private Path writeData() throws IOException {
    var lines = temp.resolve("lines.txt");
    try (Stream<String> documents = TestModels.documents(3000).documents()) {
      Files.write(lines, documents.toList());
    }
    return lines;
  }

  private Process start(Path output, Path data) throws IOException {
    return ChildJvm.of(
            Training.class,
            temp.resolve("log"),
            List.of("-Xmx64m", "-XX:TieredStopAtLevel=1"),
            List.of(output.toString(), data.toString()))
        .start();
  }

  private void finish(Process process) throws InterruptedException {
    assertThat(process.waitFor(120, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).as(() -> ChildJvm.readLog(temp.resolve("log"))).isZero();
  }

  @Test
  void aKilledTrainingEndsWithTheSameWeights() throws Exception {
    var data = writeData();
    var whole = temp.resolve("whole");
    finish(start(whole, data));
    var killed = temp.resolve("killed");
    long seed = System.nanoTime();
    var random = new Random(seed);
    int kills = 0;
    while (kills < KILLS) {
      var process = start(killed, data);
      if (process.waitFor(random.nextInt(MAX_MILLIS), TimeUnit.MILLISECONDS)) {
        finish(process);
        assertSame(whole, killed, seed);
        deleteAll(killed);
      } else {
        process.destroyForcibly().waitFor(); // SIGKILL
        kills++;
      }
    }
    finish(start(killed, data));
    assertSame(whole, killed, seed);
  }

  private static void assertSame(Path whole, Path killed, long seed) throws IOException {
    for (var file : List.of("model/model.safetensors", "checkpoint-150/optimizer.safetensors")) {
      assertThat(Files.mismatch(whole.resolve(file), killed.resolve(file)))
          .as("%s, seed %d", file, seed)
          .isEqualTo(-1);
    }
    assertThat(losses(killed)).as("seed %d", seed).isEqualTo(losses(whole)).hasSize(STEPS + 25);
    try (Stream<Path> mine = Files.list(killed);
        Stream<Path> other = Files.list(whole)) {
      assertThat(mine.map(Path::getFileName))
          .containsExactlyInAnyOrderElementsOf(other.map(Path::getFileName).toList());
    }
  }

  /** The metrics of each step without its speed. */
  private static List<String> losses(Path folder) throws IOException {
    return Files.readAllLines(folder.resolve("metrics.jsonl")).stream()
        .map(line -> line.replaceAll("\"tokens_per_second\".*", ""))
        .toList();
  }

  private static void deleteAll(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(java.util.Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }
}
