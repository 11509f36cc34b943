package io.github.ggml4j.generation;

import io.github.ggml4j.internal.RandomStream;

/** Chooses a token from the processed and filtered logits. */
final class Sampler {
  private Sampler() {}

  /** The index of the largest logit; of equal ones the first. */
  static int argmax(float[] logits) {
    int best = -1;
    float max = Float.NEGATIVE_INFINITY;
    boolean nan = false;
    for (int i = 0; i < logits.length; i++) {
      float logit = logits[i];
      nan |= Float.isNaN(logit);
      if (logit > max) {
        max = logit;
        best = i;
      }
    }
    if (nan || best < 0) {
      throw nothingToChoose(nan);
    }
    return best;
  }

  /**
   * Draws a candidate with its probability. It inverts the cumulative distribution with the most
   * likely tokens first, so that rounding errors of logits rarely change a draw.
   *
   * @return the index of a candidate
   */
  static int draw(Candidates candidates, RandomStream random) {
    double sum = candidates.computeWeights();
    double target = random.nextDouble() * sum;
    // More than 0, so candidates with a weight of 0 are left out.
    int sorted = candidates.sortByLogit(Math.max(sum - target, Double.MIN_NORMAL));
    return candidates.sorted(candidates.reaching(target, sorted) - 1);
  }

  static IllegalStateException nothingToChoose(boolean nan) {
    return new IllegalStateException(
        nan
            ? "Logits of the next token are NaN. Check the model's weights and your logits"
                + " processors."
            : "No token is left to choose: all logits are negative infinity. Loosen the bad words,"
                + " the suppressed tokens, the n-gram size or your logits processors.");
  }
}
