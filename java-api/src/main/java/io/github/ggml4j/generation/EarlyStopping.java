package io.github.ggml4j.generation;

/** When beam search ends, as Hugging Face's {@code early_stopping}. */
public enum EarlyStopping {
  /**
   * {@code False}: when the best running beam, scored at its present length, cannot beat the worst
   * finished one.
   */
  FALSE,
  /** {@code True}: as soon as there are {@code numBeams} finished sequences. */
  TRUE,
  /**
   * {@code "never"}: when the best running beam cannot beat the worst finished one at any length,
   * as far as a length penalty allows to know.
   */
  NEVER
}
