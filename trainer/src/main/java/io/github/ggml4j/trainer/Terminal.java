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
 * Detects whether standard error is a terminal, and its width.
 *
 * <p>Runs {@code stty} to get the width. The progress bar's library would use JLine, which resets
 * the handler of SIGINT; Ctrl-C would then end the JVM before the model is saved.
 */
final class Terminal {
  static final int DEFAULT_WIDTH = 80;
  private static final int MIN_WIDTH = 20;
  private static final long TIMEOUT_SECONDS = 1;
  private static final Pattern SIZE = Pattern.compile("\\d+ (\\d+)\\s*");

  private Terminal() {}

  /** Standard error of the process, independent of System.setErr. */
  static PrintStream standardError() {
    return new PrintStream(new FileOutputStream(FileDescriptor.err), true);
  }

  /** Characters of a line of the terminal; empty if standard error is not a terminal. */
  static OptionalInt width() {
    try {
      Process stty =
          new ProcessBuilder("sh", "-c", "test -t 2 && { stty size <&2 || echo 0 0; }")
              .redirectError(Redirect.INHERIT)
              .start();
      if (!stty.waitFor(TIMEOUT_SECONDS, TimeUnit.SECONDS)) {
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

  /**
   * For systems without a shell, such as Windows. In some Java releases, a console exists without a
   * terminal.
   */
  private static OptionalInt withoutShell() {
    boolean terminal = Optional.ofNullable(System.console()).map(Console::isTerminal).orElse(false);
    return terminal ? OptionalInt.of(DEFAULT_WIDTH) : OptionalInt.empty();
  }

  /** The columns in the output of {@code stty size}. */
  static int parse(String rowsAndColumns) {
    Matcher size = SIZE.matcher(rowsAndColumns);
    if (!size.matches() || size.group(1).length() > 5) {
      return DEFAULT_WIDTH;
    }
    int columns = Integer.parseInt(size.group(1));
    return columns == 0 ? DEFAULT_WIDTH : Math.max(MIN_WIDTH, columns);
  }
}
