package io.github.ggml4j.trainer;

/** How documents that are shorter than their batch are padded on the right. */
public enum Padding {
  /**
   * Loss and attention ignore the padding. A batch is as long as its longest document, rounded up
   * to a multiple of 16.
   */
  MASKED,

  /**
   * Every document is padded to the maximum length with the padding token (for GPT-2 the
   * end-of-text token), and the loss includes the padding. This is what transformers does if a
   * script passes {@code labels=input_ids} and no attention mask. The loss is lower than with
   * {@link #MASKED}, since padding is easy to predict.
   */
  LEARNED
}
