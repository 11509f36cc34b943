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
 * What a process left behind.
 *
 * @param status its exit code, 128 and more where a signal ended it
 * @param timedOut whether it was ended for taking too long
 * @param out its standard output
 * @param err the end of its standard error
 */
record Child(int status, boolean timedOut, String out, String err) {
  private static final int ERR_CHARACTERS = 3000;

  boolean succeeded() {
    return status == 0 && !timedOut;
  }

  /** What went wrong, in a line or two. */
  String problem() {
    if (timedOut) {
      return "cut off: no time was left";
    }
    var lines = err.strip().lines().filter(line -> !line.isBlank()).toList();
    int from = Math.max(0, lines.size() - 3);
    var said = String.join(" / ", lines.subList(from, lines.size()));
    var end = status > 128 ? "ended by signal " + (status - 128) : "exit code " + status;
    return said.isEmpty() ? end : end + ": " + said;
  }

  /** Runs a program to its end, or to the end of the time. */
  static Child run(List<String> command, Path folder, Duration time) {
    return run(command, folder, Map.of(), time);
  }

  /** Runs a program with further environment variables. */
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
