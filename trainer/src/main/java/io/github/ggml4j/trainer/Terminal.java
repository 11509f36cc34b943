package io.github.ggml4j.trainer;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.lang.ProcessBuilder.Redirect;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Standard error as a terminal.
 *
 * <p>The progress bar's library would find the width through JLine, which gives SIGINT back to the
 * system on the way: Ctrl-C would then end the JVM before the model is saved. So it is asked here.
 */
final class Terminal {
  private static final int USUAL_WIDTH = 80;
  private static final int NARROWEST = 20;
  private static final long PATIENCE_SECONDS = 1;
  private static final Pattern SIZE = Pattern.compile("\\d+ (\\d+)\\s*");

  private Terminal() {}

  /** Standard error, whatever System.setErr has made of it. */
  static PrintStream standardError() {
    return new PrintStream(new FileOutputStream(FileDescriptor.err), true);
  }

  /** Characters of a line, as the terminal says now, or 80. */
  static int width() {
    try {
      Process stty =
          new ProcessBuilder("stty", "size")
              .redirectInput(Redirect.INHERIT)
              .redirectError(Redirect.DISCARD)
              .start();
      if (!stty.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
        stty.destroyForcibly();
        return USUAL_WIDTH;
      }
      return parse(new String(stty.getInputStream().readAllBytes(), StandardCharsets.US_ASCII));
    } catch (IOException e) {
      return USUAL_WIDTH; // no stty, as on Windows
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return USUAL_WIDTH;
    }
  }

  /** The columns that {@code stty size} printed. */
  static int parse(String rowsAndColumns) {
    Matcher size = SIZE.matcher(rowsAndColumns);
    if (!size.matches() || size.group(1).length() > 5) {
      return USUAL_WIDTH;
    }
    int columns = Integer.parseInt(size.group(1));
    return columns == 0 ? USUAL_WIDTH : Math.max(NARROWEST, columns);
  }
}
