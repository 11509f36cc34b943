package io.github.ggml4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** {@code docs/ggml4j.1} says what the commands say; written as {@link ReferenceTest} tells. */
class ManPageTest {
  private static final Path FILE = Path.of("..", "docs", "ggml4j.1");

  @Test
  void isUpToDate() throws IOException {
    var page = ManPage.of(Main.commandLine());
    if ("write".equals(System.getProperty("ggml4j.docs"))) {
      Files.writeString(FILE, page);
    }

    assertThat(FILE).as("Run this with -Dggml4j.docs=write").hasContent(page);
  }
}
