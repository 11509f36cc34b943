package io.github.ggml4j.generation;

import io.github.ggml4j.tensor.internal.Exp;
import java.util.Arrays;
import java.util.function.IntToDoubleFunction;

/**
 * The tokens that may still be chosen, with their scores. Filters shrink it, so that what follows a
 * filter costs by what is left and not by the vocabulary. Reused from token to token.
 *
 * <p>Nothing is sorted as a whole. What goes by rank finds the place by the weights of {@value
 * #BUCKETS} buckets and sorts the one bucket it lies in; the k-th largest score is found by looking
 * only into blocks whose maximum reaches it.
 */
final class Candidates {
  private static final int BLOCK = 256;
  private static final int BUCKETS = 1024;

  /** Buckets for each unit of a key; scores that lie 64 under the largest share the last one. */
  private static final double BUCKETS_PER_UNIT = 16;

  /** Scores: the array they came in while all tokens are left, then {@link #keptScores}. */
  private float[] scores = {};

  private int size;
  private boolean all;

  /** The largest score of each block, while all tokens are left. */
  private float[] blockMax = {};

  private int[] ids = {};
  private float[] keptScores = {};
  private double[] weights = {};
  private double[] keys = {};
  private final double[] bucketWeight = new double[BUCKETS];
  private final int[] bucketSize = new int[BUCKETS];

  /**
   * Starts with every token of the vocabulary.
   *
   * @param logits belongs to this until the next reset, and is changed
   * @throws IllegalStateException when one is NaN
   */
  void reset(float[] logits) {
    if (ids.length < logits.length) {
      ids = new int[logits.length];
      keptScores = new float[logits.length];
      weights = new double[logits.length];
      keys = new double[logits.length];
      blockMax = new float[(logits.length + BLOCK - 1) / BLOCK];
    }
    scores = logits;
    size = logits.length;
    all = true;
    for (int block = 0; block * BLOCK < size; block++) {
      float max = Exp.max(logits, block * BLOCK, Math.min(size, (block + 1) * BLOCK));
      if (Float.isNaN(max)) {
        throw Sampler.nothingToChoose(true);
      }
      blockMax[block] = max;
    }
  }

  int size() {
    return size;
  }

  int id(int index) {
    return all ? index : ids[index];
  }

  float score(int index) {
    return scores[index];
  }

  /** Sets the scores of all tokens: those that are left, and negative infinity. */
  void writeTo(float[] logits) {
    if (all) {
      System.arraycopy(scores, 0, logits, 0, size);
      return;
    }
    Arrays.fill(logits, Float.NEGATIVE_INFINITY);
    for (int i = 0; i < size; i++) {
      logits[ids[i]] = scores[i];
    }
  }

  /** Divides every score. */
  void divide(float by) {
    float[] values = scores;
    for (int i = 0; i < size; i++) {
      values[i] /= by;
    }
    if (all) {
      for (int block = 0; block * BLOCK < size; block++) {
        blockMax[block] /= by;
      }
    }
  }

  /** The largest score. */
  float max() {
    return all ? Exp.max(blockMax, 0, (size + BLOCK - 1) / BLOCK) : Exp.max(scores, 0, size);
  }

  /** Log-sum-exp of the scores. */
  double logSumExp() {
    return Exp.logSumExp(scores, size);
  }

  /** The k-th largest score, {@code k <= size}. */
  float largest(int k) {
    float[] values = scores;
    float[] smallestFirst = new float[k];
    Arrays.fill(smallestFirst, Float.NEGATIVE_INFINITY);
    for (int start = 0; start < size; start += BLOCK) {
      if (all && blockMax[start / BLOCK] <= smallestFirst[0]) {
        continue;
      }
      int end = Math.min(size, start + BLOCK);
      for (int i = start; i < end; i++) {
        if (values[i] > smallestFirst[0]) {
          smallestFirst[0] = values[i];
          siftDown(smallestFirst);
        }
      }
    }
    return smallestFirst[0];
  }

  private static void siftDown(float[] heap) {
    float value = heap[0];
    int at = 0;
    for (int child = 1; child < heap.length; child = 2 * at + 1) {
      if (child + 1 < heap.length && heap[child + 1] < heap[child]) {
        child++;
      }
      if (heap[child] >= value) {
        break;
      }
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = value;
  }

  /** Removes all with a score below. */
  void keepFrom(float threshold) {
    float[] values = scores;
    int kept = 0;
    for (int start = 0; start < size; start += BLOCK) {
      if (all && blockMax[start / BLOCK] < threshold) {
        continue;
      }
      int end = Math.min(size, start + BLOCK);
      for (int i = start; i < end; i++) {
        if (values[i] >= threshold) {
          keep(i, kept++);
        }
      }
    }
    setKept(kept);
  }

  private void keep(int from, int to) {
    ids[to] = id(from);
    keptScores[to] = scores[from];
  }

  private void setKept(int kept) {
    scores = keptScores;
    size = kept;
    all = false;
  }

  /**
   * Fills {@link #weight} with values proportional to the probabilities, 1 for the most likely, and
   * ranks by them; returns their sum.
   *
   * @throws IllegalStateException when all scores are negative infinity
   */
  double exponentiate() {
    float max = max();
    if (size == 0 || max == Float.NEGATIVE_INFINITY) {
      throw Sampler.nothingToChoose(false);
    }
    if (max == Float.POSITIVE_INFINITY) {
      throw new IllegalStateException(
          "A score of the next token is infinite. Use a higher temperature, and check your logits"
              + " processors.");
    }
    Exp.exp(scores, size, max, weights);
    for (int i = 0; i < size; i++) {
      keys[i] = (double) max - scores[i];
    }
    return fillBuckets();
  }

  /** By {@link #exponentiate} proportional to the probability. */
  double weight(int index) {
    return weights[index];
  }

  /** Ranks anew: the smallest keys, none negative, first; returns the sum of the weights. */
  double rankBy(IntToDoubleFunction key) {
    for (int i = 0; i < size; i++) {
      keys[i] = key.applyAsDouble(i);
    }
    return fillBuckets();
  }

  private double fillBuckets() {
    Arrays.fill(bucketWeight, 0);
    Arrays.fill(bucketSize, 0);
    for (int i = 0; i < size; i++) {
      int bucket = bucket(i);
      bucketWeight[bucket] += weights[i];
      bucketSize[bucket]++;
    }
    double sum = 0;
    for (double weight : bucketWeight) {
      sum += weight;
    }
    return sum;
  }

  private int bucket(int index) {
    return (int) Math.min(keys[index] * BUCKETS_PER_UNIT, BUCKETS - 1);
  }

  private boolean before(int a, int b) {
    return keys[a] != keys[b] ? keys[a] < keys[b] : id(a) < id(b);
  }

  /** The candidates of a bucket by rank. */
  private Integer[] ranked(int bucket) {
    var members = new Integer[bucketSize[bucket]];
    int n = 0;
    for (int i = 0; i < size; i++) {
      if (bucket(i) == bucket) {
        members[n++] = i;
      }
    }
    Arrays.sort(members, (a, b) -> a.equals(b) ? 0 : before(a, b) ? -1 : 1);
    return members;
  }

  /**
   * By rank, the first candidate with which the sum of weights exceeds a target, or the last one
   * with a weight.
   */
  int reaching(double target) {
    int last = BUCKETS - 1;
    while (bucketWeight[last] == 0) {
      last--;
    }
    double sum = 0;
    int bucket = 0;
    while (bucket < last && sum + bucketWeight[bucket] <= target) {
      sum += bucketWeight[bucket++];
    }
    int found = -1;
    for (int index : ranked(bucket)) {
      if (weights[index] > 0) {
        found = index;
        sum += weights[index];
        if (sum > target) {
          break;
        }
      }
    }
    return found;
  }

  /** By rank, keeps candidates until their weights reach {@code enough}, at least some number. */
  void keepUntil(double enough, int atLeast) {
    double sum = 0;
    int kept = 0;
    int bucket = 0;
    while (bucket < BUCKETS - 1
        && (sum + bucketWeight[bucket] < enough || kept + bucketSize[bucket] < atLeast)) {
      sum += bucketWeight[bucket];
      kept += bucketSize[bucket++];
    }
    int last = -1;
    for (int index : ranked(bucket)) {
      if (sum >= enough && kept >= atLeast) {
        break;
      }
      last = index;
      sum += weights[index];
      kept++;
    }
    int count = 0;
    for (int i = 0; i < size; i++) {
      int own = bucket(i);
      if (own < bucket || (own == bucket && last >= 0 && !before(last, i))) {
        keep(i, count++);
      }
    }
    setKept(count);
  }
}
