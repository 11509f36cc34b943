package io.github.ggml4j.bindings;

import org.jspecify.annotations.Nullable;

/**
 * A GPU backend, or one of its devices, does not work on this machine.
 *
 * <p>The message contains the reason and what to do; it has several lines if many places were
 * tried. {@link #summary} is the reason alone, in one line.
 */
public final class BackendUnavailableException extends NativeLibraryException {
  private static final long serialVersionUID = 1L;

  /** The kind of reason. */
  public enum Reason {
    /** The natives do not contain this backend. */
    NOT_INCLUDED,
    /** A library that the backend needs was not found. */
    LIBRARY_NOT_FOUND,
    /** The GPU's driver is not installed. */
    NO_DRIVER,
    /** The driver does not support the version of the libraries. */
    DRIVER_TOO_OLD,
    /** There is no GPU, or it is hidden from this process. */
    NO_DEVICE,
    /** The natives were not built for this GPU. */
    UNSUPPORTED_DEVICE,
    /** The GPU has no free memory. */
    NO_MEMORY,
    /** Any other error of the libraries or the driver. */
    FAILED
  }

  private final String backend;
  private final Reason reason;
  private final String summary;

  BackendUnavailableException(String backend, Reason reason, String summary, String advice) {
    this(backend, reason, summary, advice, null);
  }

  BackendUnavailableException(
      String backend, Reason reason, String summary, String advice, @Nullable Throwable cause) {
    super("The device %s does not work: %s%s".formatted(backend, summary, advice), cause);
    this.backend = backend;
    this.reason = reason;
    this.summary = summary;
  }

  /** The backend, such as {@code cuda}. */
  public String backend() {
    return backend;
  }

  /** The kind of reason why it does not work. */
  public Reason reason() {
    return reason;
  }

  /** The reason why it does not work, in one line without a full stop. */
  public String summary() {
    return summary;
  }
}
