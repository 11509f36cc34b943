package io.github.ggml4j.tensor.internal;

/**
 * The exponential function for probabilities. It uses plain IEEE arithmetic, so every platform
 * gives the same bits, which {@link Math#exp} does not guarantee.
 */
public final class Exp {
  private static final int BLOCK = 1024;

  /** The middle of the range: the argument of the series is symmetric around 0. */
  private static final double MIDDLE = 350;

  private static final double E_TO_MINUS_MIDDLE = StrictMath.exp(-MIDDLE);

  /** Below this the result is 0. */
  private static final double MIN_ARGUMENT = -700;

  private Exp() {}

  /**
   * {@code e^x} for {@code x <= 0}, relative error under 1e-12; 0 below {@code -700}; NaN stays.
   */
  public static double exp(double x) {
    return x < MIN_ARGUMENT ? 0 : inRange(x);
  }

  /**
   * The 1024th power of a series. It has no branch, no table and no bit operations, so the compiler
   * turns a loop over it into vector instructions.
   */
  private static double inRange(double x) {
    double r = (x + MIDDLE) * (1.0 / 1024);
    // Taylor's series to r^12; |r| <= 0.35 leaves a remainder of 2e-16.
    double p = 1.0 / 479001600;
    p = p * r + 1.0 / 39916800;
    p = p * r + 1.0 / 3628800;
    p = p * r + 1.0 / 362880;
    p = p * r + 1.0 / 40320;
    p = p * r + 1.0 / 5040;
    p = p * r + 1.0 / 720;
    p = p * r + 1.0 / 120;
    p = p * r + 1.0 / 24;
    p = p * r + 1.0 / 6;
    p = p * r + 0.5;
    p = p * r + 1;
    p = p * r + 1;
    p *= p;
    p *= p;
    p *= p;
    p *= p;
    p *= p;
    p *= p;
    p *= p;
    p *= p;
    p *= p;
    p *= p;
    return p * E_TO_MINUS_MIDDLE;
  }

  /** {@code out[i] = e^(values[i] - max)}, where no value is over {@code max}. */
  public static void exp(float[] values, int size, float max, double[] out) {
    for (int i = 0; i < size; i++) {
      out[i] = inRange(Math.max(values[i] - (double) max, MIN_ARGUMENT));
    }
    for (int i = 0; i < size; i++) {
      out[i] = values[i] - (double) max < MIN_ARGUMENT ? 0 : out[i];
    }
  }

  /** The largest value; NaN if one is NaN. */
  public static float max(float[] values, int start, int end) {
    float max = Float.NEGATIVE_INFINITY;
    for (int i = start; i < end; i++) {
      max = Math.max(max, values[i]);
    }
    return max;
  }

  /** {@code log(sum(exp(values[0..size))))}; negative infinity if all values are. */
  public static double logSumExp(float[] values, int size) {
    float max = max(values, 0, size);
    if (max == Float.NEGATIVE_INFINITY || Float.isNaN(max)) {
      return max;
    }
    double[] block = new double[BLOCK];
    double sum = 0;
    for (int start = 0; start < size; start += BLOCK) {
      int n = Math.min(BLOCK, size - start);
      for (int i = 0; i < n; i++) {
        block[i] = inRange(Math.max(values[start + i] - (double) max, MIN_ARGUMENT));
      }
      for (int i = 0; i < n; i++) {
        sum += block[i];
      }
    }
    return max + StrictMath.log(sum);
  }
}
