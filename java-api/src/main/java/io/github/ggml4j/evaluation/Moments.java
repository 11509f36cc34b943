package io.github.ggml4j.evaluation;

/** Count, mean and standard error of a stream of values, by Welford's recurrence. */
final class Moments {
  private long count;
  private double mean;
  private double squares;

  void add(double value) {
    count++;
    double before = value - mean;
    mean += before / count;
    squares += before * (value - mean);
  }

  long count() {
    return count;
  }

  /** Not a number without values. */
  double mean() {
    return count == 0 ? Double.NaN : mean;
  }

  /** Mean of the squared deviations from the mean. */
  double variance() {
    return count == 0 ? Double.NaN : squares / count;
  }

  /** {@code sqrt(variance / (count - 1))}, 0 for a single value. */
  double standardError() {
    return count < 2 ? 0 : Math.sqrt(variance() / (count - 1));
  }
}
