package io.github.ggml4j.generation;

/**
 * The exponential function for probabilities: plain IEEE arithmetic, so that every platform gives
 * the same bits, which {@link Math#exp} does not promise.
 */
final class Exp {
  private static final double LOG2_E = 1.4426950408889634;
  private static final double LN2_HIGH = 0x1.62e42fefa0000p-1;
  private static final double LN2_LOW = 0x1.cf79abc9e3b3ap-40;

  /** Adding this rounds to an integer, which then stands in the low bits. */
  private static final double ROUND = 0x1.8p52;

  private static final double SMALLEST = -700;

  private Exp() {}

  /**
   * {@code e^x} for {@code x <= 0}, relative error under 1e-14; 0 below {@code -700}; NaN stays.
   */
  static double exp(double x) {
    if (x < SMALLEST) {
      return 0;
    }
    double rounded = x * LOG2_E + ROUND;
    double n = rounded - ROUND;
    double r = (x - n * LN2_HIGH) - n * LN2_LOW;
    // Taylor's series to r^12; |r| <= ln(2) / 2 leaves a remainder of 2e-16.
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
    long scale = (Double.doubleToRawLongBits(rounded) + 1023) << 52;
    return p * Double.longBitsToDouble(scale);
  }

  /** {@code log(sum(exp(values[0..size))))}; negative infinity when all are. */
  static double logSumExp(float[] values, int size) {
    float max = Float.NEGATIVE_INFINITY;
    for (int i = 0; i < size; i++) {
      max = Math.max(max, values[i]);
    }
    if (max == Float.NEGATIVE_INFINITY) {
      return max;
    }
    double sum = 0;
    for (int i = 0; i < size; i++) {
      sum += exp(values[i] - (double) max);
    }
    return max + StrictMath.log(sum);
  }
}
