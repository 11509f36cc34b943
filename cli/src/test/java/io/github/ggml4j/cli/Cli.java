package io.github.ggml4j.cli;

import java.io.PrintWriter;
import java.io.StringWriter;

/** Runs the command line within the test. */
final class Cli {
  record Outcome(int exitCode, String out, String err) {}

  private Cli() {}

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
