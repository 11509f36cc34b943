package io.github.ggml4j.bindings;

import io.github.ggml4j.bindings.ffi.Ggml;
import io.github.ggml4j.bindings.ffi.ggml_log_callback;
import java.lang.System.Logger.Level;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.function.BiConsumer;

/**
 * Passes ggml's log to the {@link System.Logger} named {@code io.github.ggml4j.ggml}, one record
 * for each line.
 *
 * <p>ggml logs parts of lines and from any thread, so parts are joined for each thread. INFO of
 * ggml becomes DEBUG, DEBUG becomes TRACE; warnings and errors keep their level.
 */
final class GgmlLog implements ggml_log_callback.Function {
  static final String LOGGER = "io.github.ggml4j.ggml";

  private static final int REMEMBERED = 20;

  private final BiConsumer<Level, String> sink;
  private final ThreadLocal<Line> line = ThreadLocal.withInitial(Line::new);
  private final Deque<String> recent = new ArrayDeque<>();

  private static final class Line {
    private final StringBuilder text = new StringBuilder();
    private Level level = Level.DEBUG;
  }

  GgmlLog(BiConsumer<Level, String> sink) {
    this.sink = sink;
  }

  /**
   * Makes ggml log here until the JVM shuts down, then to {@code ignore}, because a call from a
   * native thread into a JVM that has ended would crash.
   */
  static GgmlLog install(MemorySegment ignore) {
    GgmlLog log = new GgmlLog(System.getLogger(LOGGER)::log);
    Ggml.ggml_log_set(ggml_log_callback.allocate(log, Arena.global()), MemorySegment.NULL);
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(() -> Ggml.ggml_log_set(ignore, MemorySegment.NULL), "ggml4j-log-off"));
    return log;
  }

  @Override
  public void apply(int level, MemorySegment text, MemorySegment userData) {
    try {
      accept(level, text.getString(0));
    } catch (Throwable ignored) { // an exception that leaves an upcall terminates the JVM
      // There is nowhere to report a failing logger.
    }
  }

  void accept(int level, String piece) {
    Line current = line.get();
    if (level != Ggml.GGML_LOG_LEVEL_CONT()) {
      current.level = level(level);
    }
    current.text.append(piece);
    for (int end; (end = current.text.indexOf("\n")) >= 0; current.text.delete(0, end + 1)) {
      String whole = current.text.substring(0, end).stripTrailing();
      if (!whole.isEmpty()) {
        emit(current.level, whole);
      }
    }
  }

  private void emit(Level level, String whole) {
    synchronized (recent) {
      recent.addLast(whole);
      if (recent.size() > REMEMBERED) {
        recent.removeFirst();
      }
    }
    sink.accept(level, whole);
  }

  /**
   * Returns and clears the last lines, oldest first. ggml reports the reason of a failure only in
   * its log.
   */
  List<String> drain() {
    synchronized (recent) {
      List<String> lines = List.copyOf(recent);
      recent.clear();
      return lines;
    }
  }

  private static Level level(int level) {
    if (level == Ggml.GGML_LOG_LEVEL_ERROR()) {
      return Level.ERROR;
    }
    if (level == Ggml.GGML_LOG_LEVEL_WARN()) {
      return Level.WARNING;
    }
    return level == Ggml.GGML_LOG_LEVEL_INFO() ? Level.DEBUG : Level.TRACE;
  }
}
