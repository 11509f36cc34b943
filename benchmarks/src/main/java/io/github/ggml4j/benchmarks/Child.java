package io.github.ggml4j.benchmarks;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * The result of a process that has ended.
 *
 * @param status exit code; 128 + n if signal n ended it
 * @param timedOut whether it was killed because its time was over
 * @param out standard output
 * @param err the end of standard error
 */
record Child(int status, boolean timedOut, String out, String err) {
  private static final int ERR_CHARACTERS = 3000;

  boolean succeeded() {
    return status == 0 && !timedOut;
  }

  /** Describes the failure in one or two lines. */
  String problem() {
    if (timedOut) {
      return "stopped: the time was over";
    }
    var lines = err.strip().lines().filter(line -> !line.isBlank()).toList();
    int from = Math.max(0, lines.size() - 3);
    var said = String.join(" / ", lines.subList(from, lines.size()));
    var end = status > 128 ? "ended by signal " + (status - 128) : "exit code " + status;
    return said.isEmpty() ? end : end + ": " + said;
  }

  /** Runs a program until it ends; kills it when the time is over. */
  static Child run(List<String> command, Path folder, Duration time) {
    return run(command, folder, Map.of(), time);
  }

  /** Runs a program with additional environment variables. */
  static Child run(
      List<String> command, Path folder, Map<String, String> environment, Duration time) {
    try {
      var out = Files.createTempFile("ggml4j", ".out");
      var err = Files.createTempFile("ggml4j", ".err");
      try {
        var builder =
            new ProcessBuilder(command)
                .directory(folder.toFile())
                .redirectOutput(out.toFile())
                .redirectError(err.toFile());
        builder.environment().putAll(environment);
        var process = builder.start();
        process.getOutputStream().close();
        boolean ended = process.waitFor(Math.max(1, time.toMillis()), TimeUnit.MILLISECONDS);
        if (!ended) {
          process.destroyForcibly().waitFor();
        }
        return new Child(process.exitValue(), !ended, Files.readString(out), tail(err));
      } finally {
        Files.deleteIfExists(out);
        Files.deleteIfExists(err);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("Interrupted while " + command.getFirst() + " ran", e);
    }
  }

  private static String tail(Path file) throws IOException {
    var text = Files.readString(file);
    return text.substring(Math.max(0, text.length() - ERR_CHARACTERS));
  }
}
