package io.github.ggml4j.generation;

/** When beam search ends, as Hugging Face's {@code early_stopping}. */
public enum EarlyStopping {
  /**
   * {@code False}: when the best running beam, scored at its current length, is worse than the
   * worst finished one.
   */
  FALSE,
  /** {@code True}: as soon as there are {@code numBeams} finished sequences. */
  TRUE,
  /**
   * {@code "never"}: when the best running beam cannot become better than the worst finished one at
   * any length. With a length penalty above 0 the score at the maximum length is the bound.
   */
  NEVER
}
