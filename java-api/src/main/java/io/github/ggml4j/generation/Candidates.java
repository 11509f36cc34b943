package io.github.ggml4j.generation;

import io.github.ggml4j.internal.RandomStream;
import io.github.ggml4j.tensor.internal.Exp;
import java.util.Arrays;
import java.util.function.IntToDoubleFunction;

/**
 * The tokens that can still be chosen, with their logits. Filters remove tokens, so the time of
 * each later step is proportional to the remaining tokens, not to the vocabulary. One object is
 * reused for all tokens of a generation.
 *
 * <p>A draw and {@code top_p} need the most likely tokens in order. Before sorting they leave out
 * the tokens that together are too unlikely to matter, see {@link #sortByLogit}; few tokens of a
 * vocabulary remain.
 */
final class Candidates {
  private int size;
  private int[] ids = {};
  private float[] logits = {};
  private double[] weights = {};

  /** Sorted candidates: the bits of the key, then the index. */
  private long[] ranks = {};

  /**
   * Starts with all tokens of the vocabulary.
   *
   * @throws IllegalStateException if a logit is NaN
   */
  void reset(float[] vocabulary) {
    size = vocabulary.length;
    if (ids.length < size) {
      ids = new int[size];
      logits = new float[size];
      weights = new double[size];
      ranks = new long[size];
    }
    Arrays.setAll(ids, i -> i);
    System.arraycopy(vocabulary, 0, logits, 0, size);
    if (Float.isNaN(max())) {
      throw Sampler.nothingToChoose(true);
    }
  }

  int size() {
    return size;
  }

  int id(int index) {
    return ids[index];
  }

  float logit(int index) {
    return logits[index];
  }

  /** Writes the logits of all tokens; those that were removed get negative infinity. */
  void writeTo(float[] vocabulary) {
    Arrays.fill(vocabulary, Float.NEGATIVE_INFINITY);
    for (int i = 0; i < size; i++) {
      vocabulary[ids[i]] = logits[i];
    }
  }

  /** Divides each logit. */
  void divide(float divisor) {
    for (int i = 0; i < size; i++) {
      logits[i] /= divisor;
    }
  }

  /** Replaces the logits by their log-softmax. */
  void normalize() {
    double logSum = logSumExp();
    for (int i = 0; i < size; i++) {
      logits[i] = (float) (logits[i] - logSum);
    }
  }

  /** The largest logit. */
  float max() {
    return Exp.max(logits, 0, size);
  }

  /** Log-sum-exp of the logits. */
  double logSumExp() {
    return Exp.logSumExp(logits, size);
  }

  /** The k-th largest logit; {@code 1 <= k <= size}. */
  float largest(int k) {
    // The k largest so far, followed by later ones that may be among them.
    float[] best = new float[Math.min(2 * k, size)];
    float threshold = Float.NEGATIVE_INFINITY;
    int count = 0;
    for (int i = 0; i < size; i++) {
      if (logits[i] > threshold) {
        best[count++] = logits[i];
        if (count == best.length) {
          Arrays.sort(best);
          System.arraycopy(best, count - k, best, 0, k);
          threshold = best[0];
          count = k;
        }
      }
    }
    Arrays.sort(best, 0, count);
    return count < k ? Float.NEGATIVE_INFINITY : best[count - k];
  }

  /** Removes candidates with a smaller logit. */
  void keepFrom(float threshold) {
    int kept = 0;
    for (int i = 0; i < size; i++) {
      if (logits[i] >= threshold) {
        ids[kept] = ids[i];
        logits[kept++] = logits[i];
      }
    }
    size = kept;
  }

  /**
   * Computes {@link #weight}: the probabilities divided by the highest one.
   *
   * @return the sum of the weights
   * @throws IllegalStateException if all logits are negative infinity, or one is infinite
   */
  double computeWeights() {
    float max = max();
    if (size == 0 || max == Float.NEGATIVE_INFINITY) {
      throw Sampler.nothingToChoose(false);
    }
    if (max == Float.POSITIVE_INFINITY) {
      throw new IllegalStateException(
          "A logit of the next token is infinite. Use a higher temperature, and check your logits"
              + " processors.");
    }
    Exp.exp(logits, size, max, weights);
    double sum = 0;
    for (int i = 0; i < size; i++) {
      sum += weights[i];
    }
    return sum;
  }

  /** Probability divided by the highest one, as of the last {@link #computeWeights}. */
  double weight(int index) {
    return weights[index];
  }

  /** Entropy in nats, given the sum of the weights. */
  double entropy(double sum) {
    double logSum = max() + StrictMath.log(sum);
    double entropy = 0;
    for (int i = 0; i < size; i++) {
      if (weights[i] > 0) {
        entropy += weights[i] * (logSum - logits[i]);
      }
    }
    return entropy / sum;
  }

  /**
   * Sorts the most likely candidates by descending logit, equal ones by id.
   *
   * @param negligible leaves out the least likely candidates, whose weights add up to less than
   *     this
   * @return how many were sorted; {@link #sorted} returns them
   */
  int sortByLogit(double negligible) {
    // Half of it: the other half is a margin for rounding errors of the sums.
    double least = negligible / (2 * size);
    int count = 0;
    for (int i = 0; i < size; i++) {
      if (weights[i] >= least) {
        // 0 - x makes no difference between 0 and -0, -x would.
        ranks[count++] = rank(0 - logits[i], i);
      }
    }
    Arrays.sort(ranks, 0, count);
    return count;
  }

  /** Sorts all candidates by an ascending key, given their indices; equal ones by id. */
  void sortBy(IntToDoubleFunction key) {
    for (int i = 0; i < size; i++) {
      ranks[i] = rank((float) key.applyAsDouble(i), i);
    }
    Arrays.sort(ranks, 0, size);
  }

  /** Numbers in the order of the keys, then of the indices. */
  private static long rank(float key, int index) {
    int bits = Float.floatToIntBits(key);
    // The bits of negative floats descend; flipping all but the sign makes them ascend.
    return (long) (bits ^ (bits >> 31 & Integer.MAX_VALUE)) << Integer.SIZE | index;
  }

  /** The index of the candidate at a position of the last sort. */
  int sorted(int position) {
    return (int) ranks[position];
  }

  /**
   * The number of first candidates of the last sort whose weights add up to a sum.
   *
   * @param count of sorted candidates
   * @return {@code count} if even all do not
   */
  int reaching(double sum, int count) {
    double added = 0;
    for (int n = 1; n <= count; n++) {
      added += weights[sorted(n - 1)];
      if (added >= sum) {
        return n;
      }
    }
    return count;
  }

  /**
   * Draws a candidate with its probability. It inverts the cumulative distribution with the most
   * likely tokens first, so that rounding errors of logits rarely change a draw.
   *
   * @return the index of a candidate
   */
  int draw(RandomStream random) {
    double sum = computeWeights();
    double target = random.nextDouble() * sum;
    // More than 0, so candidates with a weight of 0 are left out.
    int sorted = sortByLogit(Math.max(sum - target, Double.MIN_NORMAL));
    return sorted(reaching(target, sorted) - 1);
  }

  /** Keeps the first candidates of the last sort. */
  void keepSorted(int count) {
    for (int i = 0; i < count; i++) {
      ranks[i] = sorted(i);
    }
    Arrays.sort(ranks, 0, count);
    for (int i = 0; i < count; i++) {
      int index = sorted(i);
      ids[i] = ids[index];
      logits[i] = logits[index];
      weights[i] = weights[index];
    }
    size = count;
  }
}
