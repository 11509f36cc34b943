package io.github.ggml4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/**
 * {@code docs/cli.md} is the help of all commands, {@code docs/ggml4j.1} the manual page of the
 * same. After a change of a command, this writes them:
 *
 * <pre>{@code
 * mvn test -pl cli -am -Dtest=ReferenceTest -Dsurefire.failIfNoSpecifiedTests=false -Dggml4j.docs=write
 * }</pre>
 */
class ReferenceTest {
  private static final Path FILE = Path.of("..", "docs", "cli.md");
  private static final Path MANUAL = Path.of("..", "docs", "ggml4j.1");

  private static final String BEGINNING =
      """
      # The command line

      The help of every command, as `./ggml4j COMMAND --help` prints it. Written by `ReferenceTest` in `cli`, which also fails
      when this is not what the commands say: change them, not this file.
      """;

  private static String reference() {
    var text = new StringBuilder(BEGINNING);
    add(text, "ggml4j", "--help");
    Main.commandLine()
        .getSubcommands()
        .forEach((name, command) -> {
          add(text, "ggml4j " + name, name, "--help");
          for (var sub : command.getSubcommands().keySet()) {
            add(text, "ggml4j " + name + " " + sub, name, sub, "--help");
          }
        });
    return text.toString();
  }

  private static void add(StringBuilder text, String title, String... args) {
    var help = Cli.run(args).out().stripTrailing();
    text.append("\n## ").append(title).append("\n\n```\n").append(help).append("\n```\n");
  }

  @Test
  void isUpToDate() throws IOException {
    check(FILE, reference());
  }

  @Test
  void theManualPageIsUpToDate() throws IOException {
    check(MANUAL, ManPage.of(Main.commandLine()));
  }

  private static void check(Path file, String content) throws IOException {
    if ("write".equals(System.getProperty("ggml4j.docs"))) {
      Files.writeString(file, content);
    }

    assertThat(file).as("Run this with -Dggml4j.docs=write").hasContent(content);
  }
}
