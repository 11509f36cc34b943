package io.github.ggml4j.benchmarks;

import java.time.Duration;

/** When a part must be done. */
final class Deadline {
  private final long end;

  private Deadline(long end) {
    this.end = end;
  }

  /** From now on. */
  static Deadline in(Duration time) {
    return new Deadline(System.nanoTime() + time.toNanos());
  }

  /** What is left, at least nothing. */
  Duration left() {
    return Duration.ofNanos(Math.max(0, end - System.nanoTime()));
  }

  boolean isOver() {
    return left().isZero();
  }

  /** Whether something that takes so long still fits. */
  boolean allows(double seconds) {
    return left().toMillis() >= seconds * 1000;
  }
}
