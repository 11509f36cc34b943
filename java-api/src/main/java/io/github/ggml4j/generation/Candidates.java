package io.github.ggml4j.generation;

import io.github.ggml4j.tensor.internal.Exp;
import java.util.Arrays;
import java.util.Comparator;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;

/**
 * The tokens that can still be chosen, with their logits. Filters remove tokens, so the time of
 * each later step is proportional to the remaining tokens, not to the vocabulary. One object is
 * reused for all tokens of a generation.
 *
 * <p>The vocabulary is never sorted. {@link #largest} uses a heap of k elements. Filters by rank
 * use quickselect on sums of weights, which takes linear time on average. The order in which
 * quickselect leaves the elements does not change the result.
 */
final class Candidates {
  private int size;
  private int[] ids = {};
  private float[] logits = {};
  private double[] weights = {};

  /** Indices of candidates, partly ordered by {@link #selectPrefix}. */
  private int[] order = {};

  /** The keys of the candidates in {@link #order}. */
  private double[] keys = {};

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
      keys = new double[size];
      order = new int[size];
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
    float[] heap = new float[k];
    Arrays.fill(heap, Float.NEGATIVE_INFINITY);
    for (int i = 0; i < size; i++) {
      if (logits[i] > heap[0]) {
        heap[0] = logits[i];
        siftDown(heap);
      }
    }
    return heap[0];
  }

  /** Restores a heap with the smallest value first after its first value has grown. */
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

  /** Indices by descending logit, equal ones by id. It sorts, so use it for few candidates only. */
  int[] byDescendingLogit() {
    return IntStream.range(0, size)
        .boxed()
        .sorted(Comparator.comparingDouble(i -> -logits[i]))
        .mapToInt(Integer::intValue)
        .toArray();
  }

  /** Keeps the most likely candidates; of equally likely ones those with smaller ids. */
  void keepMostLikely(int count) {
    keepPrefix(i -> -logits[i], (_, n) -> n >= count);
  }

  /** Whether the first candidates in some order are enough. Monotonic: more are enough, too. */
  @FunctionalInterface
  interface Enough {
    /**
     * Decides.
     *
     * @param sum of the weights of the first candidates
     * @param count of them, at least 1
     */
    boolean test(double sum, int count);
  }

  /** Keeps the fewest candidates with the smallest keys that are enough; all if none are. */
  void keepPrefix(IntToDoubleFunction key, Enough enough) {
    int prefix = selectPrefix(key, enough);
    Arrays.sort(order, 0, prefix);
    for (int i = 0; i < prefix; i++) {
      ids[i] = ids[order[i]];
      logits[i] = logits[order[i]];
      weights[i] = weights[order[i]];
    }
    size = prefix;
  }

  /**
   * Adds up weights in the order of descending logits until the sum exceeds a target.
   *
   * @return the index of the candidate at which the sum exceeds it; if rounding leaves the sum
   *     below the target, the last candidate whose weight is above 0
   */
  int reaching(double target) {
    int prefix = selectPrefix(i -> -logits[i], (sum, _) -> sum > target);
    int last = order[prefix - 1];
    if (weights[last] > 0) {
      return last;
    }
    int least = -1;
    for (int i = 0; i < size; i++) {
      if (weights[i] > 0 && (least < 0 || logits[i] <= logits[least])) {
        least = i;
      }
    }
    return least;
  }

  /**
   * Quickselect: finds the fewest candidates with the smallest keys that are enough; of equal keys
   * the first. Moves them to the front of {@link #order}, the one with the largest key last.
   *
   * @return their number; {@link #size} if all candidates are not enough
   */
  private int selectPrefix(IntToDoubleFunction key, Enough enough) {
    for (int i = 0; i < size; i++) {
      keys[i] = key.applyAsDouble(i);
      order[i] = i;
    }
    int low = 0;
    int high = size;
    double before = 0;
    while (low < high) {
      int pivot = partition(low, high);
      double sum = before;
      for (int i = low; i < pivot; i++) {
        sum += weights[order[i]];
      }
      if (pivot > low && enough.test(sum, pivot)) {
        high = pivot;
        continue;
      }
      sum += weights[order[pivot]];
      if (enough.test(sum, pivot + 1)) {
        return pivot + 1;
      }
      before = sum;
      low = pivot + 1;
    }
    return low;
  }

  /**
   * Reorders a range of {@link #order} and {@link #keys} around the median of its first, middle and
   * last element.
   *
   * @return the new index of that element; smaller elements are before it, all others after it
   */
  private int partition(int low, int high) {
    int last = high - 1;
    int middle = (low + high) >>> 1;
    orderPair(low, middle);
    orderPair(middle, last);
    orderPair(low, middle);
    swap(middle, last);
    double key = keys[last];
    int index = order[last];
    int at = low;
    for (int i = low; i < last; i++) {
      if (keys[i] < key || (keys[i] == key && order[i] < index)) {
        swap(i, at++);
      }
    }
    swap(at, last);
    return at;
  }

  private void orderPair(int a, int b) {
    if (keys[b] < keys[a] || (keys[b] == keys[a] && order[b] < order[a])) {
      swap(a, b);
    }
  }

  private void swap(int a, int b) {
    int index = order[a];
    order[a] = order[b];
    order[b] = index;
    double key = keys[a];
    keys[a] = keys[b];
    keys[b] = key;
  }
}
