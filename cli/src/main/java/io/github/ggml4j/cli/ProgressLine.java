package io.github.ggml4j.cli;

import java.io.PrintWriter;

/** Overwrites one line with progress. Prints nothing if standard error is not a terminal. */
final class ProgressLine implements AutoCloseable {
  private final PrintWriter err;
  private final boolean terminal;
  private final int width;
  private int drawn;

  ProgressLine(PrintWriter err) {
    this(err, StandardError.isTerminal(), StandardError.width());
  }

  ProgressLine(PrintWriter err, boolean terminal, int width) {
    this.err = err;
    this.terminal = terminal;
    this.width = width;
  }

  void show(String text) {
    if (terminal) {
      draw(text.length() <= width ? text : text.substring(0, width));
    }
  }

  private void draw(String text) {
    err.print("\r" + text + " ".repeat(Math.max(0, drawn - text.length())));
    err.flush();
    drawn = text.length();
  }

  /** Clears the line before other output. */
  void clear() {
    if (drawn > 0) {
      draw("");
      err.print("\r");
      err.flush();
    }
  }

  @Override
  public void close() {
    clear();
  }
}
