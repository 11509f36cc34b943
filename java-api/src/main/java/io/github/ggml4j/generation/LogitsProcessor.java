package io.github.ggml4j.generation;

/**
 * Changes the scores of the next token before one is chosen.
 *
 * <p>One processor may serve many sequences and many threads, so keep no state between calls. See
 * {@link LogitsProcessors} for Hugging Face's.
 */
@FunctionalInterface
public interface LogitsProcessor {
  /**
   * Changes {@code logits} in place; negative infinity forbids a token.
   *
   * @param tokens the sequence so far, prompt included, for reading
   * @param logits {@code (V)} scores of the next token: raw logits for greedy search and sampling,
   *     log-probabilities for beam search
   */
  void process(int[] tokens, float[] logits);
}
