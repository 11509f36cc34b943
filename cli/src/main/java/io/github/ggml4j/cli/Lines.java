package io.github.ggml4j.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** The input lines of an interactive session. */
interface Lines extends AutoCloseable {
  /** Thrown when Ctrl-C interrupts the reading of a line. */
  final class Interrupted extends RuntimeException {
    private static final long serialVersionUID = 1;
  }

  /**
   * The next line; null at the end.
   *
   * @throws Interrupted if the user discards the line with Ctrl-C
   */
  @Nullable String next();

  /** Runs an action. On a terminal, Ctrl-C interrupts the thread while the action runs. */
  void interruptibly(Runnable action);

  /** Whether the lines are typed on a terminal. */
  boolean isTerminal();

  @Override
  void close();

  /** Lines of UTF-8 text from a stream. */
  static Lines of(InputStream in) {
    var reader = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8));
    return new Lines() {
      @Override
      public @Nullable String next() {
        try {
          return reader.readLine();
        } catch (IOException e) {
          throw new UncheckedIOException(e);
        }
      }

      @Override
      public void interruptibly(Runnable action) {
        action.run();
      }

      @Override
      public boolean isTerminal() {
        return false;
      }

      @Override
      public void close() {} // standard input stays open
    };
  }
}
