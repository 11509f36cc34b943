package io.github.ggml4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** The command line as a process of its own: Ctrl-C, and a disk that is full. */
@EnabledOnOs({OS.LINUX, OS.MAC})
class ProcessTest {
  private static final int PATIENCE_SECONDS = 120;

  /** Mounts a small disk at the first argument, runs the other arguments, then lists its files. */
  private static final String ON_SMALL_DISK =
      "mount -t tmpfs -o size=8m none \"$0\" || exit 77; \"$@\"; rc=$?;"
          + " find \"$0\" -type f -printf '%P\\n'; exit $rc";

  @TempDir Path temp;

  private record Outcome(int exitCode, String output) {}

  @Test
  void convertLeavesNothingBehindAfterCtrlC() throws Exception {
    var folder = Files.createDirectory(temp.resolve("out"));
    var process = start(command("convert", "--output", folder + "/model.gguf", "--type", "f32"));
    while (process.isAlive() && list(folder).isEmpty()) {
      Thread.onSpinWait();
    }
    interrupt(process);
    // The file may have been finished before
    assertThat(process.exitValue()).as(log()).isIn(Main.INTERRUPTED, 0);
    assertThat(list(folder)).isEqualTo(process.exitValue() == 0 ? "model.gguf" : "");
  }

  @Test
  void downloadResumesAfterCtrlC() throws Exception {
    try (var hub = new TinyHub(3_000_000, 1_000_000)) {
      var download = command("download", "org/name", "a.bin");
      var process = start(download, "HF_ENDPOINT", hub.endpoint());
      assertThat(hub.paused.await(PATIENCE_SECONDS, TimeUnit.SECONDS)).as(log()).isTrue();
      var part = temp.resolve("home/hub/models--org--name/blobs");
      while (process.isAlive() && (!Files.exists(part) || bytes(part) < 900_000)) {
        Thread.onSpinWait();
      }
      interrupt(process);
      assertThat(process.exitValue()).as(log()).isEqualTo(Main.INTERRUPTED);
      assertThat(list(temp.resolve("home"))).contains(".incomplete").doesNotContain("a.bin");
      var again = wait(start(download, "HF_ENDPOINT", hub.endpoint()));
      assertThat(again.exitCode()).as(again.output()).isZero();
      assertThat(hub.requests.getLast()).containsPattern("range: bytes=9\\d{5}-|bytes=1000000-");
      assertThat(list(temp.resolve("home"))).contains("a.bin").doesNotContain(".incomplete");
    }
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void convertOntoAFullDisk() throws Exception {
    var disk = smallDisk();
    for (var output : List.of("/model.gguf", "/folder")) {
      var outcome = onSmallDisk("convert", "--output", disk + output, "--type", "f32");
      assertThat(outcome.exitCode()).as(outcome.output()).isEqualTo(Main.FAILED);
      assertThat(outcome.output().lines())
          .singleElement()
          .asString()
          .startsWith("ggml4j: " + disk + output)
          .contains("No space left on device");
    }
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void downloadOntoAFullDisk() throws Exception {
    var disk = smallDisk();
    try (var hub = new TinyHub(9_000_000, 9_000_000)) {
      var variables = new String[] {"HF_ENDPOINT", hub.endpoint(), "HF_HUB_CACHE", disk + "/hub"};
      var tooLarge = onSmallDisk(variables, "download", "org/name", "a.bin");
      assertThat(tooLarge.exitCode()).as(tooLarge.output()).isEqualTo(Main.FAILED);
      assertThat(tooLarge.output())
          .contains("9,000,000 bytes are needed", "HF_HUB_CACHE")
          .doesNotContain(".incomplete");
    }
    try (var hub = new TinyHub(6_000_000, 6_000_000)) { // Each would fit
      var variables = new String[] {"HF_ENDPOINT", hub.endpoint(), "HF_HUB_CACHE", disk + "/hub"};
      var both = onSmallDisk(variables, "download", "org/name", "a.bin", "b.bin");
      assertThat(both.exitCode()).as(both.output()).isEqualTo(Main.FAILED);
      assertThat(both.output())
          .contains("Free some space", "HF_HUB_CACHE")
          .doesNotContain("refs/main");
    }
  }

  private Path smallDisk() throws Exception {
    var disk = Files.createDirectory(temp.resolve("disk"));
    var made = wait(start(List.of("unshare", "-rm", "sh", "-c", ON_SMALL_DISK, disk + "", "true")));
    assumeTrue(made.exitCode() == 0, "No small disk can be made here: " + made.output());
    return disk;
  }

  private Outcome onSmallDisk(String... arguments) throws Exception {
    return onSmallDisk(new String[0], arguments);
  }

  private Outcome onSmallDisk(String[] variables, String... arguments) throws Exception {
    List<String> command = new ArrayList<>(List.of("unshare", "-rm", "sh", "-c", ON_SMALL_DISK));
    command.add(temp.resolve("disk").toString());
    command.addAll(command(arguments));
    return wait(start(command, variables));
  }

  private static List<String> command(String... arguments) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    var natives = System.getProperty("ggml4j.native.dir");
    if (natives != null) {
      command.add("-Dggml4j.native.dir=" + natives);
    }
    var separator = System.getProperty("path.separator");
    command.addAll(
        List.of(
            "-XX:TieredStopAtLevel=1",
            "--enable-native-access=ALL-UNNAMED",
            "-cp",
            System.getProperty("java.class.path", "")
                + separator
                + System.getProperty("jdk.module.path", ""),
            Main.class.getName()));
    command.addAll(List.of(arguments));
    return command;
  }

  private Process start(List<String> command, String... variables) throws IOException {
    var builder =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(temp.resolve("log").toFile());
    builder.environment().put("HF_HOME", temp.resolve("home").toString());
    for (int i = 0; i < variables.length; i += 2) {
      builder.environment().put(variables[i], variables[i + 1]);
    }
    return builder.start();
  }

  private Outcome wait(Process process) throws Exception {
    try {
      assertThat(process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)).as(log()).isTrue();
      return new Outcome(process.exitValue(), log());
    } finally {
      process.destroyForcibly();
    }
  }

  /** Sends the signal of Ctrl-C. */
  private void interrupt(Process process) throws Exception {
    if (process.isAlive()) {
      new ProcessBuilder("kill", "-INT", String.valueOf(process.pid())).start().waitFor();
    }
    wait(process);
  }

  private String log() throws IOException {
    var log = temp.resolve("log");
    return Files.exists(log) ? Files.readString(log) : "";
  }

  private static long bytes(Path folder) throws IOException {
    long bytes = 0;
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : (Iterable<Path>) files::iterator) {
        bytes += Files.size(file);
      }
    }
    return bytes;
  }

  private static String list(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      return String.join(
          "\n",
          files.filter(Files::isRegularFile).map(f -> folder.relativize(f).toString()).toList());
    }
  }
}
