package io.github.ggml4j.cli;

import io.github.ggml4j.hub.TransferProgress;
import java.io.PrintWriter;
import java.util.Locale;
import java.util.function.Consumer;

/**
 * Shows the progress of downloads and uploads: on a terminal one line that is overwritten, else a
 * new line every 5 seconds.
 */
final class TransferLine implements Consumer<TransferProgress> {
  private static final long TERMINAL_NANOS = 100_000_000L;
  private static final long PLAIN_NANOS = 5_000_000_000L;

  private final String verb;
  private final PrintWriter err;
  private final boolean terminal;
  private final long start = System.nanoTime();
  private long last;
  private long startBytes = -1;
  private boolean shown;

  /**
   * Shows transfers.
   *
   * @param verb how a line starts: {@code Downloading}
   */
  TransferLine(String verb, PrintWriter err) {
    this(verb, err, StandardError.isTerminal());
  }

  TransferLine(String verb, PrintWriter err, boolean terminal) {
    this.verb = verb;
    this.err = err;
    this.terminal = terminal;
    this.last = start;
  }

  @Override
  public synchronized void accept(TransferProgress progress) {
    if (startBytes < 0) {
      startBytes = progress.bytes();
    }
    long now = System.nanoTime();
    boolean done = progress.filesDone() == progress.files();
    if (done ? !shown : now - last < (terminal ? TERMINAL_NANOS : PLAIN_NANOS)) {
      return;
    }
    last = now;
    shown = !done;
    var text = text(progress, (now - start) / 1e9);
    if (terminal) {
      err.print("\r" + text + "\u001b[K" + (done ? "\n" : ""));
    } else {
      err.println(text);
    }
    err.flush();
  }

  private String text(TransferProgress progress, double seconds) {
    double rate = (progress.bytes() - startBytes) / Math.max(seconds, 1e-3);
    return String.format(
        Locale.ROOT,
        "%s %s: %.1f of %.1f MB (%.0f%%), %.1f MB/s, file %d of %d",
        verb,
        progress.file(),
        progress.bytes() / 1e6,
        progress.size() / 1e6,
        progress.size() == 0 ? 100.0 : 100.0 * progress.bytes() / progress.size(),
        rate / 1e6,
        Math.min(progress.filesDone() + 1, progress.files()),
        progress.files());
  }
}
