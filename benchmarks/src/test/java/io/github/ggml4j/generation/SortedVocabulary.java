package io.github.ggml4j.generation;

import io.github.ggml4j.internal.RandomStream;
import io.github.ggml4j.tensor.internal.Exp;
import java.util.Arrays;

/**
 * The plain way to sample, as a baseline for {@link Candidates}: sorts the whole vocabulary by
 * descending logit, then keeps a prefix and draws from it.
 */
final class SortedVocabulary {
  /** For each token the inverted bits of its logit, then its id. */
  private final long[] ranks;

  private final float[] logits;
  private final double[] weights;

  SortedVocabulary(int vocabSize) {
    ranks = new long[vocabSize];
    logits = new float[vocabSize];
    weights = new double[vocabSize];
  }

  /**
   * Draws a token.
   *
   * @param topK 0 keeps all tokens
   * @param topP 1 keeps all tokens
   * @return its id
   */
  int draw(float[] vocabulary, float temperature, int topK, float topP, RandomStream random) {
    for (int i = 0; i < vocabulary.length; i++) {
      ranks[i] = (long) ~ascendingBits(vocabulary[i]) << Integer.SIZE | i;
    }
    Arrays.sort(ranks);
    for (int i = 0; i < ranks.length; i++) {
      logits[i] = vocabulary[(int) ranks[i]] / temperature;
    }
    int kept = ranks.length;
    if (topK > 0 && topK < kept) {
      kept = topK;
      while (kept < ranks.length && logits[kept] == logits[topK - 1]) {
        kept++;
      }
    }
    Exp.exp(logits, kept, logits[0], weights);
    double sum = sum(kept);
    if (topP < 1) {
      kept = 1 + firstReaching(topP * sum, kept);
      sum = sum(kept);
    }
    return (int) ranks[firstReaching(random.nextDouble() * sum, kept)];
  }

  /** Bits that have the order of the numbers. */
  private static int ascendingBits(float x) {
    int bits = Float.floatToIntBits(x);
    return bits ^ (bits >> 31 & Integer.MAX_VALUE);
  }

  private double sum(int count) {
    double sum = 0;
    for (int i = 0; i < count; i++) {
      sum += weights[i];
    }
    return sum;
  }

  private int firstReaching(double target, int count) {
    double sum = weights[0];
    int i = 0;
    while (i < count - 1 && sum < target) {
      sum += weights[++i];
    }
    return i;
  }
}
