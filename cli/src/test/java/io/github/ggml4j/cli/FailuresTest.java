package io.github.ggml4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

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
  }

  @Test
  void linesAreJoined() {
    assertThat(Failures.describe(new IllegalArgumentException(" a\n  b\r\nc "))).isEqualTo("a b c");
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
