package io.github.ggml4j.hub;

/**
 * A failed access to the Hub or to its cache. The message names the repository or file, the cause,
 * and what to do.
 */
public final class HubException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** What went wrong. */
  public enum Reason {
    /** The repository does not exist, or is private and the token gives no access to it. */
    REPO_NOT_FOUND,
    /** The repository has no such branch, tag or commit. */
    REVISION_NOT_FOUND,
    /** The repository has no such file at that revision. */
    ENTRY_NOT_FOUND,
    /** Access must be requested on the repository's page. */
    GATED,
    /** The token is missing, invalid, or does not permit this. */
    UNAUTHORIZED,
    /** Offline mode is on, and the file is not in the cache. */
    OFFLINE,
    /** The server cannot be reached, or does not respond in time. */
    UNREACHABLE,
    /** The proxy refuses the request. */
    PROXY,
    /** The server limits the rate of requests. */
    RATE_LIMITED,
    /** The server responded with an error or with an invalid response. */
    SERVER,
    /** The content does not match its checksum or size. */
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

  /** As {@link #HubException(Reason, String)}, with a cause. */
  public HubException(Reason reason, String message, Throwable cause) {
    super(message, cause);
    this.reason = reason;
  }

  /** What went wrong. */
  public Reason reason() {
    return reason;
  }
}
