package io.github.ggml4j.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jline.reader.Candidate;
import org.jline.reader.EndOfFileException;
import org.jline.reader.LineReader;
import org.jline.reader.LineReaderBuilder;
import org.jline.reader.UserInterruptException;
import org.jline.terminal.Terminal;
import org.jline.terminal.Terminal.Signal;
import org.jline.terminal.TerminalBuilder;
import org.jspecify.annotations.Nullable;

/** Reads lines from a terminal, with editing, completion of commands and a saved history. */
final class TerminalLines implements Lines {
  private static final String PROMPT = "> ";

  private final Terminal terminal;
  private final LineReader reader;

  /**
   * Opens the terminal.
   *
   * @param commands completed at the start of a line
   * @param names completed after a command
   */
  TerminalLines(List<String> commands, List<String> names) {
    try {
      terminal = TerminalBuilder.builder().system(true).dumb(true).build();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    reader =
        LineReaderBuilder.builder()
            .terminal(terminal)
            .appName("ggml4j")
            .completer((_, line, candidates) -> {
              if (line.line().startsWith("/")) {
                var words = line.wordIndex() == 0 ? commands : names;
                words.forEach(word -> candidates.add(new Candidate(word)));
              }
            })
            .option(LineReader.Option.DISABLE_EVENT_EXPANSION, true) // treat ! as text
            .build();
    var history = history();
    if (history != null) {
      reader.setVariable(LineReader.HISTORY_FILE, history);
    }
  }

  /** The history file, in the folder of the XDG specification; null if it cannot be created. */
  private static @Nullable Path history() {
    var state = System.getenv("XDG_STATE_HOME");
    var folder =
        state != null && state.startsWith("/")
            ? Path.of(state, "ggml4j")
            : UserFiles.home().resolve(".local/state/ggml4j");
    try {
      return Files.createDirectories(folder).resolve("history");
    } catch (IOException e) {
      return null;
    }
  }

  @Override
  public @Nullable String next() {
    try {
      return reader.readLine(PROMPT);
    } catch (UserInterruptException e) {
      throw new Interrupted();
    } catch (EndOfFileException e) {
      return null;
    }
  }

  @Override
  public void interruptibly(Runnable action) {
    var thread = Thread.currentThread();
    var before = terminal.handle(Signal.INT, _ -> thread.interrupt());
    try {
      action.run();
    } finally {
      terminal.handle(Signal.INT, before);
    }
  }

  @Override
  public boolean isTerminal() {
    return true;
  }

  @Override
  public void close() {
    try {
      terminal.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
