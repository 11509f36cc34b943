package io.github.ggml4j.generation;

import io.github.ggml4j.internal.Check;

/**
 * Raises the logits of end-of-sequence tokens with the length of a sequence, as Hugging Face's
 * {@code exponential_decay_length_penalty}: after {@code n} generated tokens each of these logits
 * grows by {@code |logit| (decayFactor^(n - startIndex) - 1)}.
 *
 * @param startIndex generated tokens before the first change
 * @param decayFactor above 1 makes sequences end earlier
 */
public record ExponentialDecayLengthPenalty(int startIndex, float decayFactor) {
  /**
   * Checks the values.
   *
   * @throws io.github.ggml4j.error.InvalidArgumentException if one is out of range
   */
  public ExponentialDecayLengthPenalty {
    Check.atLeast("exponentialDecayLengthPenalty", startIndex, 0);
    Check.positive("exponentialDecayLengthPenalty", decayFactor);
  }
}
