package io.github.ggml4j.generation;

/**
 * Ranges of parameters; a message names the parameter, its value, what was expected, and a way out.
 */
final class Check {
  private Check() {}

  static int atLeast(String name, int value, int least) {
    if (value < least) {
      throw new IllegalArgumentException(name + " is " + value + ", expected at least " + least);
    }
    return value;
  }

  static float positive(String name, float value) {
    if (!(value > 0) || Float.isInfinite(value)) {
      throw new IllegalArgumentException(name + " is " + value + ", expected a number over 0");
    }
    return value;
  }

  static float temperature(float value) {
    if (value == 0) {
      throw new IllegalArgumentException(
          "temperature is 0, expected a number over 0. For greedy search use doSample(false).");
    }
    return positive("temperature", value);
  }

  static float probability(String name, float value) {
    if (!(value >= 0 && value <= 1)) {
      throw new IllegalArgumentException(name + " is " + value + ", expected 0 to 1");
    }
    return value;
  }

  static float typicalP(float value) {
    if (!(value > 0 && value <= 1)) {
      throw new IllegalArgumentException(
          "typicalP is " + value + ", expected over 0 and at most 1 (1 turns it off)");
    }
    return value;
  }

  static float finite(String name, float value) {
    if (!Float.isFinite(value)) {
      throw new IllegalArgumentException(name + " is " + value + ", expected a finite number");
    }
    return value;
  }
}
