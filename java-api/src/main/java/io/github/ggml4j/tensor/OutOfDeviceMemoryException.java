package io.github.ggml4j.tensor;

import java.io.Serial;

/** A device has not enough memory; the message says for what, and what to do. */
public final class OutOfDeviceMemoryException extends RuntimeException {
  @Serial private static final long serialVersionUID = 1L;

  OutOfDeviceMemoryException(String message) {
    super(message);
  }
}
