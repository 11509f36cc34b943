package io.github.ggml4j.generation;

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

  static IllegalStateException nothingToChoose(boolean nan) {
    return new IllegalStateException(
        nan
            ? "Logits of the next token are NaN. Check the model's weights and your logits"
                + " processors."
            : "No token is left to choose: all logits are negative infinity. Loosen the bad words,"
                + " the suppressed tokens, the n-gram size or your logits processors.");
  }
}
