package io.github.ggml4j.trainer;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.ggml4j.inference.InferenceSession;
import io.github.ggml4j.io.Models;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Ctrl-C in a process that trains. */
class EndOfProcessTest {
  @TempDir private Path temp;

  private static final int EXIT = 23;

  /** The process: trains until it is stopped, or exits by itself in a listener. */
  static final class Endless {
    private Endless() {}

    public static void main(String[] args) {
      Path folder = Path.of(args[0]);
      try (var model = TestModels.odd()) {
        Trainer.of(model, TestModels.tokenizer())
            .maxSequenceLength(64)
            .metrics(folder.resolve("metrics.jsonl"))
            .saveTo(folder)
            .epochs(1_000_000)
            .listener(
                new TrainingListener() {
                  @Override
                  public void onStepEnd(StepMetrics step, TrainerControl control) {
                    if (args.length > 1) {
                      System.exit(EXIT);
                    }
                  }
                })
            .fit(TestModels.documents(40));
      }
    }
  }

  @Test
  @DisabledOnOs(OS.WINDOWS) // where a process cannot be asked to end
  void savesAfterTheRunningStep() throws IOException, InterruptedException {
    var folder = temp.resolve("out");
    var log = temp.resolve("log");
    var running = endless(log, folder.toString()).start();
    try {
      var metrics = folder.resolve("metrics.jsonl");
      for (int i = 0; i < 600 && (!Files.exists(metrics) || Files.size(metrics) == 0); i++) {
        assertThat(running.isAlive()).as(() -> ChildJvm.readLog(log)).isTrue();
        Thread.sleep(100);
      }
      running.destroy(); // SIGTERM, which ends the JVM like Ctrl-C
      assertThat(running.waitFor(60, TimeUnit.SECONDS)).isTrue();
    } finally {
      running.destroyForcibly();
    }
    try (var saved = Models.load(folder)) {
      assertThat(saved.config().nLayer()).isEqualTo(3);
    }
    try (var before = TestModels.odd();
        var after = Models.load(folder)) {
      assertThat(InferenceSession.logits(after, 1, 2)[1])
          .isNotEqualTo(InferenceSession.logits(before, 1, 2)[1]);
    }
  }

  @Test
  void exitInAListenerDoesNotWaitForItself() throws IOException, InterruptedException {
    var log = temp.resolve("log");
    var running = endless(log, temp.resolve("out").toString(), "exit").start();
    try {
      assertThat(running.waitFor(60, TimeUnit.SECONDS)).isTrue();
      assertThat(running.exitValue()).as(() -> ChildJvm.readLog(log)).isEqualTo(EXIT);
    } finally {
      running.destroyForcibly();
    }
  }

  private static ProcessBuilder endless(Path log, String... arguments) {
    return ChildJvm.of(Endless.class, log, List.of("-XX:TieredStopAtLevel=1"), List.of(arguments));
  }
}
