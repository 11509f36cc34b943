package io.github.ggml4j.cli;

import io.github.ggml4j.trainer.Progress;
import java.util.OptionalInt;

/**
 * Standard error as the place for progress. What {@link System#console} says is about standard
 * input and output, which may be files while somebody is watching, and the other way round.
 */
final class StandardError {
  /** Asked for once, and only where something takes long enough to be shown. */
  private static final class Terminal {
    static final OptionalInt WIDTH = Progress.terminalWidth();
  }

  private StandardError() {}

  static boolean isTerminal() {
    return Terminal.WIDTH.isPresent();
  }

  /** Characters that fit into a line without a break. */
  static int width() {
    return Terminal.WIDTH.orElse(80) - 1; // in the last column some terminals begin a new line
  }
}
