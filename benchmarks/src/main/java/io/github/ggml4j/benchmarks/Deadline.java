package io.github.ggml4j.benchmarks;

import java.time.Duration;

/** The time at which a part must end. */
final class Deadline {
  private final long end;

  private Deadline(long end) {
    this.end = end;
  }

  /** The time that lies this duration from now. */
  static Deadline in(Duration time) {
    return new Deadline(System.nanoTime() + time.toNanos());
  }

  /** The time left; zero if the deadline has passed. */
  Duration left() {
    return Duration.ofNanos(Math.max(0, end - System.nanoTime()));
  }

  boolean isOver() {
    return left().isZero();
  }

  /** Whether work that takes this many seconds can end in time. */
  boolean allows(double seconds) {
    return left().toMillis() >= seconds * 1000;
  }
}
