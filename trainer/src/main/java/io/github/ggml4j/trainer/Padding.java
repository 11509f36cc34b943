package io.github.ggml4j.trainer;

/** What becomes of the places behind a document that is shorter than its batch. */
public enum Padding {
  /**
   * Padding takes no part: no loss, no attention. Batches are only as long as their longest
   * document needs.
   */
  MASKED,

  /**
   * Every document is filled up to the maximum length with the padding token (GPT-2: the end of
   * text), and the model learns those like all others. So do scripts that pass {@code
   * labels=input_ids} and no attention mask to transformers; the loss then is lower, since padding
   * is easy to predict.
   */
  LEARNED
}
