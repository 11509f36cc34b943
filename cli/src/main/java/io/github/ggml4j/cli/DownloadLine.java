package io.github.ggml4j.cli;

import io.github.ggml4j.hub.DownloadProgress;
import java.io.PrintWriter;
import java.util.Locale;
import java.util.function.Consumer;

/** Shows downloads: a line that changes on a terminal, else one every few seconds. */
final class DownloadLine implements Consumer<DownloadProgress> {
  private static final long TERMINAL_NANOS = 100_000_000L;
  private static final long PLAIN_NANOS = 5_000_000_000L;

  private final PrintWriter err;
  private final boolean terminal;
  private final long start = System.nanoTime();
  private long last;
  private long startBytes = -1;
  private boolean shown;

  DownloadLine(PrintWriter err) {
    this(err, StandardError.isTerminal());
  }

  DownloadLine(PrintWriter err, boolean terminal) {
    this.err = err;
    this.terminal = terminal;
    this.last = start;
  }

  @Override
  public synchronized void accept(DownloadProgress progress) {
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

  private String text(DownloadProgress progress, double seconds) {
    double rate = (progress.bytes() - startBytes) / Math.max(seconds, 1e-3);
    return String.format(
        Locale.ROOT,
        "Downloading %s: %.1f of %.1f MB (%.0f%%), %.1f MB/s, file %d of %d",
        progress.file(),
        progress.bytes() / 1e6,
        progress.size() / 1e6,
        progress.size() == 0 ? 100.0 : 100.0 * progress.bytes() / progress.size(),
        rate / 1e6,
        Math.min(progress.filesDone() + 1, progress.files()),
        progress.files());
  }
}
