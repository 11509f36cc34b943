package io.github.ggml4j.generation;

/** Chooses a token by the scores that processors and filters have left. */
final class Sampler {
  private Sampler() {}

  /** The index of the largest score, the first of equals. */
  static int argmax(float[] scores) {
    int best = -1;
    float max = Float.NEGATIVE_INFINITY;
    boolean nan = false;
    for (int i = 0; i < scores.length; i++) {
      float score = scores[i];
      nan |= Float.isNaN(score);
      if (score > max) {
        max = score;
        best = i;
      }
    }
    if (nan || best < 0) {
      throw nothingToChoose(nan);
    }
    return best;
  }

  /**
   * Draws a candidate by its probability. The distribution function is inverted with the most
   * likely tokens first, so that a rounding error in a score moves a draw as little as possible.
   *
   * @return the index of a candidate
   */
  static int draw(Candidates candidates, RandomStream random) {
    return candidates.reaching(random.nextDouble() * candidates.exponentiate());
  }

  static IllegalStateException nothingToChoose(boolean nan) {
    return new IllegalStateException(
        nan
            ? "Scores of the next token are NaN. Check the model's weights and your logits"
                + " processors."
            : "No token is left to choose, every score is negative infinity. Loosen the bad words,"
                + " the n-gram size or your logits processors.");
  }
}
