package io.github.ggml4j.generation;

/**
 * Changes the logits of the next token before it is chosen.
 *
 * <p>A processor may be called for many sequences and from many threads, so it should have no
 * state. {@link LogitsProcessors} has those of Hugging Face.
 */
@FunctionalInterface
public interface LogitsProcessor {
  /**
   * Changes {@code logits} in place; negative infinity forbids a token.
   *
   * @param tokens the sequence so far, prompt included; read-only
   * @param logits {@code (V)} logits of the next token; in beam search, log-probabilities
   */
  void process(int[] tokens, float[] logits);
}
