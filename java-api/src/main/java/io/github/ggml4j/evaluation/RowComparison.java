package io.github.ggml4j.evaluation;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.github.ggml4j.tensor.internal.Exp;
import java.lang.foreign.MemorySegment;

/**
 * Compares two distributions over the vocabulary for the same position, given as logits.
 *
 * @param baseLoss negative log-likelihood of the label under the base
 * @param loss the same under the other model
 * @param divergence {@code KL(base || other)} in nats
 * @param sameTop whether both have the same most likely token
 */
record RowComparison(double baseLoss, double loss, double divergence, boolean sameTop) {
  /** Number of partial sums, which the compiler vectorizes. */
  private static final int BLOCK = 1024;

  /**
   * Compares a row. With b and q the logits: {@code KL = sum p (b - q) - lse(b) + lse(q)}, where
   * {@code p = softmax(b)} and {@code lse = log sum exp}.
   *
   * @param base {@code (vocabSize)} logits
   * @param other {@code (vocabSize)} logits
   */
  static RowComparison of(float[] base, float[] other, int label) {
    int n = base.length;
    float baseTop = Exp.max(base, 0, n);
    float otherTop = Exp.max(other, 0, n);
    var baseLanes = new double[BLOCK];
    var otherLanes = new double[BLOCK];
    var differences = new double[BLOCK];
    var baseBlock = new double[BLOCK];
    var otherBlock = new double[BLOCK];
    var b = new float[BLOCK];
    var q = new float[BLOCK];
    for (int start = 0; start < n; start += BLOCK) {
      int size = Math.min(BLOCK, n - start);
      System.arraycopy(base, start, b, 0, size);
      System.arraycopy(other, start, q, 0, size);
      Exp.exp(b, size, baseTop, baseBlock);
      Exp.exp(q, size, otherTop, otherBlock);
      for (int i = 0; i < size; i++) {
        baseLanes[i] += baseBlock[i];
        otherLanes[i] += otherBlock[i];
        differences[i] += baseBlock[i] * ((double) b[i] - q[i]);
      }
    }
    double baseSum = sum(baseLanes);
    double baseLse = baseTop + Math.log(baseSum);
    double otherLse = otherTop + Math.log(sum(otherLanes));
    double divergence = sum(differences) / baseSum - baseLse + otherLse;
    return new RowComparison(
        baseLse - base[label],
        otherLse - other[label],
        Math.max(divergence, 0), // rounding makes it -1e-16 where both are equal
        indexOf(base, baseTop) == indexOf(other, otherTop));
  }

  /** Copies a row of a matrix in native memory. */
  static float[] row(MemorySegment matrix, int row, float[] into) {
    MemorySegment.copy(matrix, JAVA_FLOAT, 4L * row * into.length, into, 0, into.length);
    return into;
  }

  private static double sum(double[] values) {
    double sum = 0;
    for (double value : values) {
      sum += value;
    }
    return sum;
  }

  private static int indexOf(float[] values, float value) {
    for (int i = 0; i < values.length; i++) {
      if (values[i] == value) {
        return i;
      }
    }
    return -1;
  }
}
