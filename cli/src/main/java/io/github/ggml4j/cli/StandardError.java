package io.github.ggml4j.cli;

import io.github.ggml4j.trainer.Progress;
import java.util.OptionalInt;

/**
 * Whether progress can be shown on standard error. {@link System#console} does not tell: it is
 * about standard input and output.
 */
final class StandardError {
  /** Asked for once, when it is first needed, since that takes some milliseconds. */
  private static final class Terminal {
    static final OptionalInt WIDTH = Progress.terminalWidth();
  }

  private StandardError() {}

  static boolean isTerminal() {
    return Terminal.WIDTH.isPresent();
  }

  /** Characters that fit into a line. */
  static int width() {
    return Terminal.WIDTH.orElse(80) - 1; // in the last column some terminals start a new line
  }
}
