package io.github.ggml4j.cli;

import java.io.PrintWriter;

/** One line of progress that is written over again and again; nothing unless on a terminal. */
final class ProgressLine implements AutoCloseable {
  private static final int WIDTH = 78;

  private final PrintWriter err;
  private final boolean terminal;
  private boolean shown;

  @SuppressWarnings("SystemConsoleNull") // it does return null, since JDK 25 again
  ProgressLine(PrintWriter err) {
    this.err = err;
    var console = System.console();
    this.terminal = console != null && console.isTerminal();
  }

  void show(String text) {
    if (terminal) {
      err.print("\r" + text + " ".repeat(Math.max(0, WIDTH - text.length())));
      err.flush();
      shown = true;
    }
  }

  /** Takes it away before other output. */
  void clear() {
    if (shown) {
      err.print("\r" + " ".repeat(WIDTH) + "\r");
      err.flush();
      shown = false;
    }
  }

  @Override
  public void close() {
    clear();
  }
}
