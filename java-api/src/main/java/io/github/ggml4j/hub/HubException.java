package io.github.ggml4j.hub;

/**
 * Something on the Hub, or on the way to it, that did not work. The message names the repository or
 * file, the cause, and what to do.
 */
public final class HubException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** What went wrong. */
  public enum Reason {
    /** There is no such repository, or it is private and the token does not open it. */
    REPO_NOT_FOUND,
    /** The repository has no such branch, tag or commit. */
    REVISION_NOT_FOUND,
    /** The repository has no such file at that revision. */
    ENTRY_NOT_FOUND,
    /** Access must be asked for on the repository's page. */
    GATED,
    /** A token is missing, wrong, or does not allow this. */
    UNAUTHORIZED,
    /** Downloads are switched off, and what was asked for is not in the cache. */
    OFFLINE,
    /** The server cannot be reached, or does not answer in time. */
    UNREACHABLE,
    /** The proxy does not let the request through. */
    PROXY,
    /** The server asks for fewer requests. */
    RATE_LIMITED,
    /** The server answered with an error, or with something that makes no sense. */
    SERVER,
    /** What arrived is not what was announced. */
    CHECKSUM,
    /** The disk has too little space. */
    DISK_FULL,
    /** The cache cannot be read or written. */
    CACHE
  }

  /** What went wrong. */
  private final Reason reason;

  /** An error whose message already names cause and remedy. */
  public HubException(Reason reason, String message) {
    super(message);
    this.reason = reason;
  }

  /** As {@link #HubException(Reason, String)}, with what caused it. */
  public HubException(Reason reason, String message, Throwable cause) {
    super(message, cause);
    this.reason = reason;
  }

  /** What went wrong. */
  public Reason reason() {
    return reason;
  }
}
