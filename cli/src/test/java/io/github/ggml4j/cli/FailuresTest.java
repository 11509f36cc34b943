package io.github.ggml4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import org.junit.jupiter.api.Test;

class FailuresTest {
  @Test
  void filesAreNamed() {
    var missing = new UncheckedIOException(new NoSuchFileException("a.gguf"));
    assertThat(Failures.describe(missing)).isEqualTo("no such file: a.gguf");
    assertThat(Failures.describe(new AccessDeniedException("b"))).isEqualTo("no permission: b");
    var full = new IOException("No space left on device");
    assertThat(Failures.describe(new UncheckedIOException("Cannot write c: " + full, full)))
        .isEqualTo("Cannot write c: No space left on device");
  }

  @Test
  void linesAreJoined() {
    assertThat(Failures.describe(new IllegalArgumentException(" a\n  b\r\nc "))).isEqualTo("a b c");
  }

  @Test
  void missingMemorySaysHowToGetMore() {
    assertThat(Failures.describe(new OutOfMemoryError("Java heap space")))
        .startsWith("out of memory: Java heap space; GGML4J_JAVA_OPTS=");
  }

  @Test
  void messagesMayBeAbsent() {
    assertThat(Failures.describe(new IllegalStateException()))
        .isEqualTo("java.lang.IllegalStateException");
  }

  @Test
  void programmingErrorsSayWhere() {
    assertThat(Failures.describe(new NullPointerException("x")))
        .startsWith("internal error")
        .contains("FailuresTest");
  }
}
