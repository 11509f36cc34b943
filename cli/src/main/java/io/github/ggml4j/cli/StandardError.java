package io.github.ggml4j.cli;

import io.github.ggml4j.trainer.Progress;
import java.util.OptionalInt;

/**
 * Whether progress can be shown on standard error. {@link System#console} only describes standard
 * input and output.
 */
final class StandardError {
  /** Initialized on first use, because it takes some milliseconds. */
  private static final class Terminal {
    static final OptionalInt WIDTH = Progress.terminalWidth();
  }

  private StandardError() {}

  static boolean isTerminal() {
    return Terminal.WIDTH.isPresent();
  }

  /** Number of characters that fit into a line. */
  static int width() {
    return Terminal.WIDTH.orElse(80) - 1; // in the last column some terminals start a new line
  }
}
