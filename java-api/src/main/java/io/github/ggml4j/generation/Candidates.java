package io.github.ggml4j.generation;

import java.util.Arrays;

/**
 * The tokens that may still be chosen, with their scores. Filters shrink it, so that what follows a
 * filter costs by what is left and not by the vocabulary. Reused from token to token.
 */
final class Candidates {
  private int[] ids = {};
  private float[] scores = {};
  private double[] weights = {};
  private int[] heap = {};
  private int size;

  /** Whether ids are 0 to size - 1, not stored. */
  private boolean all;

  /** Starts with every token of the vocabulary. */
  void reset(float[] logits) {
    if (scores.length < logits.length) {
      ids = new int[logits.length];
      scores = new float[logits.length];
      weights = new double[logits.length];
      heap = new int[logits.length];
    }
    System.arraycopy(logits, 0, scores, 0, logits.length);
    size = logits.length;
    all = true;
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
    for (int i = 0; i < size; i++) {
      scores[i] /= by;
    }
  }

  /** Log-sum-exp of the scores. */
  double logSumExp() {
    return Exp.logSumExp(scores, size);
  }

  float max() {
    float max = Float.NEGATIVE_INFINITY;
    for (int i = 0; i < size; i++) {
      max = Math.max(max, scores[i]);
    }
    return max;
  }

  /** The k-th largest score. */
  float largest(int k) {
    float[] smallestFirst = new float[k];
    System.arraycopy(scores, 0, smallestFirst, 0, k);
    for (int i = k / 2 - 1; i >= 0; i--) {
      siftDown(smallestFirst, i);
    }
    for (int i = k; i < size; i++) {
      if (scores[i] > smallestFirst[0]) {
        smallestFirst[0] = scores[i];
        siftDown(smallestFirst, 0);
      }
    }
    return smallestFirst[0];
  }

  private static void siftDown(float[] heap, int at) {
    float value = heap[at];
    while (true) {
      int child = 2 * at + 1;
      if (child >= heap.length) {
        break;
      }
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
    int kept = 0;
    for (int i = 0; i < size; i++) {
      if (scores[i] >= threshold) {
        move(i, kept++);
      }
    }
    size = kept;
    all = false;
  }

  private void move(int from, int to) {
    ids[to] = id(from);
    scores[to] = scores[from];
  }

  /**
   * Fills {@link #weight} with values proportional to the probabilities, 1 for the most likely;
   * returns their sum.
   */
  double exponentiate() {
    float max = max();
    if (max == Float.NEGATIVE_INFINITY) {
      Arrays.fill(weights, 0, size, 0);
      return 0;
    }
    double sum = 0;
    for (int i = 0; i < size; i++) {
      double weight = Exp.exp(scores[i] - (double) max);
      weights[i] = weight;
      sum += weight;
    }
    return sum;
  }

  double weight(int index) {
    return weights[index];
  }

  /** What decides who comes first in {@link #heapify}: the larger weight, or the smaller. */
  enum Order {
    MOST_LIKELY,
    SMALLEST_WEIGHT
  }

  /** Replaces the weights. */
  void setWeight(int index, double value) {
    weights[index] = value;
  }

  /** Prepares {@link #pop} over all candidates. */
  void heapify(Order order) {
    for (int i = 0; i < size; i++) {
      heap[i] = i;
    }
    for (int i = size / 2 - 1; i >= 0; i--) {
      siftDown(i, size, order);
    }
  }

  /**
   * The next candidate in order, ties by smaller id.
   *
   * @param remaining how many have not been popped
   */
  int pop(int remaining, Order order) {
    int top = heap[0];
    heap[0] = heap[remaining - 1];
    heap[remaining - 1] = top;
    siftDown(0, remaining - 1, order);
    return top;
  }

  private void siftDown(int at, int length, Order order) {
    int value = heap[at];
    while (true) {
      int child = 2 * at + 1;
      if (child >= length) {
        break;
      }
      if (child + 1 < length && before(heap[child + 1], heap[child], order)) {
        child++;
      }
      if (!before(heap[child], value, order)) {
        break;
      }
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = value;
  }

  private boolean before(int a, int b, Order order) {
    int compared =
        order == Order.MOST_LIKELY
            ? Float.compare(scores[b], scores[a])
            : Double.compare(weights[a], weights[b]);
    return compared != 0 ? compared < 0 : id(a) < id(b);
  }

  /** Keeps the candidates that were popped last, {@code count} of them. */
  void keepPopped(int count) {
    int[] keptIds = new int[count];
    float[] keptScores = new float[count];
    for (int i = 0; i < count; i++) {
      int index = heap[size - 1 - i];
      keptIds[i] = id(index);
      keptScores[i] = scores[index];
    }
    System.arraycopy(keptIds, 0, ids, 0, count);
    System.arraycopy(keptScores, 0, scores, 0, count);
    size = count;
    all = false;
  }
}
