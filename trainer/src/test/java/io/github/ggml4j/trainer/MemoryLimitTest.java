package io.github.ggml4j.trainer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import io.github.ggml4j.model.Gpt2Config;
import io.github.ggml4j.model.Gpt2Model;
import io.github.ggml4j.tensor.Device;
import io.github.ggml4j.tensor.DeviceInfo;
import io.github.ggml4j.tensor.OutOfDeviceMemoryException;
import io.github.ggml4j.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** A training that does not fit into a limit of the system is refused, not killed. */
@EnabledOnOs(value = OS.LINUX, disabledReason = "needs ulimit or cgroups")
class MemoryLimitTest {
  private static final long MIB = 1 << 20;

  /** Megabytes by which a training fits; its memory differs by less from run to run. */
  private static final long MARGIN = 20;

  private static final Path CGROUPS = Path.of("/sys/fs/cgroup");

  /** Options that keep the JVM's own memory small compared with the limit. */
  private static final List<String> SMALL =
      List.of(
          "-Xmx96m",
          "-XX:+UseSerialGC",
          "-XX:TieredStopAtLevel=1",
          "-XX:CompressedClassSpaceSize=64m",
          "-XX:ReservedCodeCacheSize=48m");

  @TempDir private Path folder;

  /** Prints the free memory, then trains a model whose training needs more than a gigabyte. */
  static final class Training {
    private Training() {}

    public static void main(String[] args) {
      var config =
          Gpt2Config.builder()
              .nLayer(8)
              .nHead(8)
              .nEmbd(768)
              .nPositions(64)
              .vocabSize(1000)
              .bosTokenId(0)
              .eosTokenId(0)
              .build();
      var info =
          Device.list().stream()
              .filter(device -> device.kind() == DeviceInfo.Kind.CPU)
              .findFirst()
              .orElseThrow();
      print("total " + info.totalMemory() / MIB + " free " + info.freeMemory() / MIB);
      try (var model = Gpt2Model.random(config, Device.cpu(1), 1)) {
        var trainer = Trainer.of(model, TestModels.tokenizer()).maxSequenceLength(64).maxSteps(1);
        print("fits " + trainer.estimateMemory().fits());
        trainer.fit(TestModels.documents(8));
        print("trained");
      } catch (OutOfDeviceMemoryException e) {
        print("refused: " + e.getMessage());
      }
    }

    @SuppressWarnings("SystemOut") // the parent reads it
    private static void print(String line) {
      System.out.println(line);
    }
  }

  /** Trains a small model with a large vocabulary, until it is interrupted, and saves it. */
  static final class Saving {
    private static final int STEPS = 2;

    private Saving() {}

    public static void main(String[] args) {
      var config =
          Gpt2Config.builder()
              .nLayer(2)
              .nHead(4)
              .nEmbd(256)
              .nPositions(64)
              .vocabSize(50257)
              .bosTokenId(0)
              .eosTokenId(0)
              .build();
      var output = Path.of(args[0]);
      var interrupter =
          new TrainingListener() {
            @Override
            public void onStepEnd(StepMetrics step, TrainerControl control) {
              if (step.step() == STEPS) {
                Thread.currentThread().interrupt();
              }
            }
          };
      try (var model = Gpt2Model.random(config, Device.cpu(1), 1)) {
        var trainer =
            Trainer.of(model, Tokenizer.gpt2())
                .maxSequenceLength(64)
                .padding(Padding.LEARNED)
                .listener(interrupter)
                .saveTo(output)
                .checkpoints(output);
        var memory = trainer.estimateMemory();
        long left = memory.freeBytes() - memory.bytesKeptForJava() - memory.neededBytes();
        Training.print("left " + left / MIB + " fits " + memory.fits());
        var result = trainer.fit(TestModels.documents(200));
        Training.print("saved to " + result.savedTo() + " and " + result.checkpoint());
      } catch (OutOfDeviceMemoryException e) {
        Training.print("refused: " + e.getMessage());
      }
    }
  }

  private String run(String... shell) throws IOException, InterruptedException {
    return run(Training.class, SMALL, List.of(), shell);
  }

  private String run(Class<?> main, List<String> options, List<String> arguments, String... shell)
      throws IOException, InterruptedException {
    var log = folder.resolve("log");
    var child = ChildJvm.of(main, log, options, arguments);
    var command = new ArrayList<String>(List.of(shell));
    command.addAll(child.command());
    var process = child.command(command).start();
    try {
      assertThat(process.waitFor(120, TimeUnit.SECONDS)).isTrue();
    } finally {
      process.destroyForcibly().waitFor();
    }
    var said = Files.readString(log);
    assertThat(process.exitValue()).as(said).isZero();
    return said;
  }

  @Test
  void addressSpace() throws Exception {
    var said = run("bash", "-c", "ulimit -v $((2000 * 1024)); exec \"$@\"", "bash");
    assertThat(said)
        .containsPattern("total 2000 free [1-9][0-9]{2,3}\n")
        .contains("fits false")
        .contains("refused: Not enough memory for training with batches of ")
        .contains("bytes")
        .contains("within the limit of this process (ulimit -v)");
  }

  @Test
  void cgroup() throws Exception {
    var group = newCgroup(700 * MIB);
    try {
      var said =
          run("bash", "-c", "echo $$ > " + group.resolve("cgroup.procs") + "; exec \"$@\"", "bash");
      assertThat(said)
          .containsPattern("total 700 free [4-6][0-9]{2}\n")
          .contains("fits false")
          .contains("refused: Not enough memory for training with batches of ")
          .contains("within the limit of this process (the cgroup's memory.");
    } finally {
      Files.delete(group);
    }
  }

  /** A training that just fits is not killed, not even while it saves. */
  @Test
  void aTrainingThatJustFitsIsSaved() throws Exception {
    long limit = 900;
    var group = newCgroup(limit * MIB);
    try {
      var roomy = save(group);
      assertThat(roomy).contains("saved to ");
      var left = Pattern.compile("left (\\d+) fits true").matcher(roomy);
      assertThat(left.find()).as(roomy).isTrue();
      long tight = limit - Long.parseLong(left.group(1)) + MARGIN;

      Files.writeString(limitOf(group), String.valueOf(tight * MIB));
      assertThat(save(group)).contains("fits true", "saved to ", "checkpoint-");

      Files.writeString(limitOf(group), String.valueOf((tight - 3 * MARGIN) * MIB));
      assertThat(save(group))
          .contains("fits false", "refused: Not enough memory", "0.06 GiB are kept for Java");
    } finally {
      Files.delete(group);
    }
  }

  private String save(Path group) throws IOException, InterruptedException {
    var output = folder.resolve("model");
    var said =
        run(
            Saving.class,
            List.of("-XX:+UseSerialGC"),
            List.of(output.toString()),
            "bash",
            "-c",
            "echo $$ > " + group.resolve("cgroup.procs") + "; exec \"$@\"",
            "bash");
    try (var files = Files.list(output)) {
      for (var checkpoint : files.filter(Files::isDirectory).toList()) {
        try (var parts = Files.list(checkpoint)) {
          for (var part : parts.toList()) {
            Files.delete(part);
          }
        }
        Files.delete(checkpoint);
      }
    }
    return said;
  }

  private static Path limitOf(Path group) {
    var unified = group.resolve("memory.max");
    return Files.exists(unified) ? unified : group.resolve("memory.limit_in_bytes");
  }

  /** Creates a child cgroup of this process; the test is skipped if that is not possible. */
  private static Path newCgroup(long limit) throws IOException {
    for (var line : Files.readAllLines(Path.of("/proc/self/cgroup"))) {
      var parts = line.split(":", 3);
      boolean unified = parts[1].isEmpty() && Files.exists(CGROUPS.resolve("cgroup.controllers"));
      if (!unified && !parts[1].equals("memory")) {
        continue;
      }
      var own = (unified ? CGROUPS : CGROUPS.resolve("memory")).resolve(parts[2].substring(1));
      var group = own.resolve("ggml4j-test-" + ProcessHandle.current().pid());
      try {
        Files.createDirectory(group);
      } catch (IOException e) {
        abort("No cgroup can be made here: " + e);
      }
      try {
        Files.writeString(limitOf(group), String.valueOf(limit));
        return group;
      } catch (IOException e) {
        Files.delete(group);
        abort("No cgroup can be limited here: " + e);
      }
    }
    return abort("This system has no memory cgroups");
  }
}
