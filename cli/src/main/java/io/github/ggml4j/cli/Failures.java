package io.github.ggml4j.cli;

import io.github.ggml4j.error.InvalidArgumentException;
import io.github.ggml4j.error.NamesParameters;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import java.util.Objects;
import picocli.CommandLine.Model.CommandSpec;

/** Describes failures in one line, without a stack trace. */
final class Failures {
  private Failures() {}

  /** Describes a failure. Names of library parameters are replaced by the options that set them. */
  static String describe(Throwable failure, CommandSpec command) {
    return failure instanceof NamesParameters naming
        ? line(naming.message(new OptionNames(command)::option))
        : describe(failure);
  }

  /** Whether a failure was caused by the value of an option. */
  static boolean isWrongUsage(Throwable failure, CommandSpec command) {
    return failure instanceof InvalidArgumentException invalid
        && new OptionNames(command).has(invalid.parameter());
  }

  static String describe(Throwable failure) {
    return switch (failure) {
      case UncheckedIOException e when e.getMessage() != null && e.getCause() != null ->
          line(e.getMessage().replace(e.getCause().toString(), describe(e.getCause())));
      case NoSuchFileException e -> "no such file: " + e.getFile();
      case AccessDeniedException e -> "no permission: " + e.getFile();
      case FileAlreadyExistsException e -> "exists already: " + e.getFile();
      case OutOfMemoryError e ->
          "out of memory: " + e.getMessage() + "; GGML4J_JAVA_OPTS=-Xmx8g gives the JVM 8 GB";
      case Error e -> internal(e);
      case NullPointerException e -> internal(e);
      case ClassCastException e -> internal(e);
      case IndexOutOfBoundsException e -> internal(e);
      default -> line(Objects.requireNonNullElseGet(failure.getMessage(), failure::toString));
    };
  }

  private static String internal(Throwable e) {
    return line("internal error, please report it: " + e + at(e.getStackTrace()));
  }

  private static String at(StackTraceElement[] trace) {
    return trace.length == 0 ? "" : " at " + trace[0];
  }

  private static String line(String text) {
    return text.strip().replaceAll("\\s*\\R\\s*", " ");
  }
}
