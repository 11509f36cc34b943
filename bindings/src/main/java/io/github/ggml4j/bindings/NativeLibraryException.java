package io.github.ggml4j.bindings;

import org.jspecify.annotations.Nullable;

/** The native libraries cannot be used; the message names what was tried and what to do. */
public class NativeLibraryException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  NativeLibraryException(String message) {
    this(message, null);
  }

  NativeLibraryException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
