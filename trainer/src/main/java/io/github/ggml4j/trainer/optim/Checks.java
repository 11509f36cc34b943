package io.github.ggml4j.trainer.optim;

/** Range checks shared by the values of this package; every message echoes the bad value. */
final class Checks {

  private Checks() {}

  static void notNegative(String name, double value) {
    if (!(value >= 0) || Double.isInfinite(value)) {
      throw new IllegalArgumentException(name + " must be a finite number >= 0, not " + value);
    }
  }

  static void positive(String name, double value) {
    if (!(value > 0) || Double.isInfinite(value)) {
      throw new IllegalArgumentException(name + " must be a finite number > 0, not " + value);
    }
  }

  static void decayRate(String name, double value) {
    if (!(value >= 0 && value < 1)) {
      throw new IllegalArgumentException(name + " must be in [0, 1), not " + value);
    }
  }

  static void steps(String name, long value) {
    if (value < 0) {
      throw new IllegalArgumentException(name + " must be >= 0 steps, not " + value);
    }
  }
}
