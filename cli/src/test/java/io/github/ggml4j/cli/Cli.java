package io.github.ggml4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.Arrays;
import java.util.List;

/** Runs the command line within the test. */
final class Cli {
  record Outcome(int exitCode, String out, String err) {}

  private Cli() {}

  /** Runs a line as typed. Each {} is replaced with the next value, which may contain spaces. */
  static Outcome line(String line, Object... values) {
    var rest = List.of(values).iterator();
    var args =
        Arrays.stream(line.split(" ", -1))
            .filter(word -> !word.isEmpty())
            .map(word -> word.contains("{}") ? word.replace("{}", "" + rest.next()) : word)
            .toArray(String[]::new);
    assertThat(rest.hasNext()).as("more values than {} in " + line).isFalse();
    return run(args);
  }

  static Outcome run(String... args) {
    var out = new StringWriter();
    var err = new StringWriter();
    var exitCode =
        Main.run(
            Main.commandLine()
                .setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(err, true)),
            args);
    return new Outcome(exitCode, out.toString(), err.toString());
  }
}
