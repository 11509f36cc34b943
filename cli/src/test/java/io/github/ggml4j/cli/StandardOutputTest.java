package io.github.ggml4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A failure to write standard output is an error. */
class StandardOutputTest {
  private static final class Broken extends OutputStream {
    private final String reason;

    Broken(String reason) {
      this.reason = reason;
    }

    @Override
    public void write(int b) throws IOException {
      throw new IOException(reason);
    }
  }

  private static Cli.Outcome run(String reason, String... args) {
    var err = new StringWriter();
    var commandLine =
        Main.commandLine()
            .setOut(StandardOutput.writer(new Broken(reason)))
            .setErr(new PrintWriter(err, true));
    return new Cli.Outcome(Main.run(commandLine, args), "", err.toString());
  }

  @ParameterizedTest
  @ValueSource(strings = {"version", "--help", "config", "generate --help"})
  void aFullDiskIsAFailure(String line) {
    var outcome = run("No space left on device", line.split(" ", -1));

    assertThat(outcome.exitCode()).isEqualTo(1);
    assertThat(outcome.err())
        .isEqualToIgnoringNewLines(
            "ggml4j: cannot write to standard output: No space left on device");
  }

  @Test
  void aClosedPipeEndsWithoutAMessage() {
    var outcome = run("Broken pipe", "version");

    assertThat(outcome.exitCode()).isEqualTo(141);
    assertThat(outcome.err()).isEmpty();
  }
}
