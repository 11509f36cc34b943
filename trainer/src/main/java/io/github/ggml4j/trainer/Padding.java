package io.github.ggml4j.trainer;

/** How a document that is shorter than its batch is padded, on its right. */
public enum Padding {
  /**
   * Padding takes no part in loss and attention. A batch is as long as its longest document,
   * rounded up to a multiple of 16.
   */
  MASKED,

  /**
   * Every document is padded to the maximum length with the padding token (for GPT-2 the
   * end-of-text token), and the padding is learned like other tokens. Scripts that pass {@code
   * labels=input_ids} and no attention mask to transformers do so. The loss is lower then, since
   * padding is easy to predict.
   */
  LEARNED
}
