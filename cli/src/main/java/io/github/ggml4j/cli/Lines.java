package io.github.ggml4j.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** Where an interactive session gets its lines from. */
interface Lines extends AutoCloseable {
  /** Reading was broken off by Ctrl-C. */
  final class Interrupted extends RuntimeException {
    private static final long serialVersionUID = 1;
  }

  /**
   * The next line, null at the end.
   *
   * @throws Interrupted when the user wants no line but a new start of it
   */
  @Nullable String next();

  /** Runs something that Ctrl-C ends by an interrupt of this thread, if this knows of Ctrl-C. */
  void interruptibly(Runnable action);

  /** Whether somebody sits there, who wants to be greeted. */
  boolean isTerminal();

  @Override
  void close();

  /** Lines of UTF-8 from a file or another program. */
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
      public void close() {} // standard input is not ours
    };
  }
}
