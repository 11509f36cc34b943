package io.github.ggml4j.evaluation;

import io.github.ggml4j.error.InvalidArgumentException;
import io.github.ggml4j.internal.Check;
import java.util.Arrays;

/** The distribution of a value over the tokens of a text. Immutable. */
public final class Distribution {
  private final float[] sorted;

  Distribution(float[] values) {
    this.sorted = values.clone();
    Arrays.sort(sorted);
  }

  /** The number of values. */
  public int count() {
    return sorted.length;
  }

  /** The smallest value. */
  public double min() {
    return sorted[0];
  }

  /** The largest value. */
  public double max() {
    return sorted[sorted.length - 1];
  }

  /**
   * A percentile, interpolated linearly between adjacent values.
   *
   * @param percent 0 to 100; 50 is the median
   * @throws InvalidArgumentException if {@code percent} is out of range
   */
  public double percentile(double percent) {
    Check.between("percent", percent, 0.0, 100.0);
    double index = percent / 100 * (sorted.length - 1);
    int below = (int) index;
    int above = Math.min(below + 1, sorted.length - 1);
    double weight = index - below;
    return (1 - weight) * sorted[below] + weight * sorted[above];
  }

  @Override
  public String toString() {
    return "Distribution[min=%s, median=%s, 99%%=%s, max=%s]"
        .formatted(min(), percentile(50), percentile(99), max());
  }
}
