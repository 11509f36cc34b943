package io.github.ggml4j.evaluation;

import java.util.Arrays;

/** Values of many tokens, for percentiles. Immutable. */
public final class Distribution {
  private final float[] sorted;

  Distribution(float[] values) {
    this.sorted = values.clone();
    Arrays.sort(sorted);
  }

  /** How many values there are. */
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
   * The value below which a share of all values lies, interpolated between neighbours.
   *
   * @param percent 0 to 100; 50 is the median
   */
  public double percentile(double percent) {
    if (!(percent >= 0 && percent <= 100)) {
      throw new IllegalArgumentException("percent is " + percent + ", expected 0 to 100");
    }
    double place = percent / 100 * (sorted.length - 1);
    int below = (int) place;
    int above = Math.min(below + 1, sorted.length - 1);
    double share = place - below;
    return (1 - share) * sorted[below] + share * sorted[above];
  }

  @Override
  public String toString() {
    return "Distribution[min=%s, median=%s, 99%%=%s, max=%s]"
        .formatted(min(), percentile(50), percentile(99), max());
  }
}
