package io.github.ggml4j.trainer;

import java.io.Console;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.lang.ProcessBuilder.Redirect;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.OptionalInt;
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
  static final int USUAL_WIDTH = 80;
  private static final int NARROWEST = 20;
  private static final long PATIENCE_SECONDS = 1;
  private static final Pattern SIZE = Pattern.compile("\\d+ (\\d+)\\s*");

  private Terminal() {}

  /** Standard error, whatever System.setErr has made of it. */
  static PrintStream standardError() {
    return new PrintStream(new FileOutputStream(FileDescriptor.err), true);
  }

  /** Characters of a line of the terminal that standard error is; empty where it is none. */
  static OptionalInt width() {
    try {
      Process stty =
          new ProcessBuilder("sh", "-c", "test -t 2 && { stty size <&2 || echo 0 0; }")
              .redirectError(Redirect.INHERIT)
              .start();
      if (!stty.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
        stty.destroyForcibly();
        return OptionalInt.empty();
      }
      String size = new String(stty.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
      return stty.exitValue() == 0 ? OptionalInt.of(parse(size)) : OptionalInt.empty();
    } catch (IOException e) {
      return withoutShell();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return OptionalInt.empty();
    }
  }

  /** As on Windows. Some releases of Java give no console without a terminal, others one anyway. */
  private static OptionalInt withoutShell() {
    boolean terminal = Optional.ofNullable(System.console()).map(Console::isTerminal).orElse(false);
    return terminal ? OptionalInt.of(USUAL_WIDTH) : OptionalInt.empty();
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
