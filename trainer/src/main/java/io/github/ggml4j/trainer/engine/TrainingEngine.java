package io.github.ggml4j.trainer.engine;

import org.jspecify.annotations.Nullable;

/**
 * Forward, backward and update on one model. One caller at a time.
 *
 * <p>Labels follow Hugging Face: {@code labels[t]} is the id of the token at position t, and the
 * engine compares the logits at t with {@code labels[t + 1]}; the first label of each sequence is
 * never predicted. Labels of {@link #IGNORED} are left out.
 *
 * <p>All randomness (dropout) comes from the seed given at opening and the number of the
 * micro-step, never from hidden state: the same seed repeats a run to the last bit.
 */
public interface TrainingEngine extends AutoCloseable {

  /** The label of a token that takes no part in the loss. */
  int IGNORED = -100;

  /**
   * Forward and backward of one micro-batch: adds the gradients of {@code lossScale} times the sum
   * of the losses of all labelled tokens to the gradients.
   *
   * @param tokens (B, T) row-major, each a valid id
   * @param labels (B, T) row-major, each a valid id or {@link #IGNORED}
   * @param attentionMask (B, T) row-major, 1 = attend, 0 = padding; null = attend to all
   * @param batch B
   * @param length T, at most the model's maximum
   * @param lossScale factor on the loss, 1 / (labelled tokens of the whole step) for a mean
   * @return the unscaled sum of losses and their number; not finite when the model has diverged
   */
  MicroStep accumulate(
      int[] tokens,
      int[] labels,
      int @Nullable [] attentionMask,
      int batch,
      int length,
      float lossScale);

  /**
   * Loss without gradients and without dropout.
   *
   * @param tokens (B, T) row-major, each a valid id
   * @param labels (B, T) row-major, each a valid id or {@link #IGNORED}
   * @param attentionMask (B, T) row-major, 1 = attend, 0 = padding; null = attend to all
   * @param batch B
   * @param length T, at most the model's maximum
   * @return the sum of losses and their number
   */
  MicroStep evaluate(
      int[] tokens, int[] labels, int @Nullable [] attentionMask, int batch, int length);

  /**
   * Clips the accumulated gradients by their global norm, applies the optimizer and zeroes the
   * gradients. When the norm is not finite, nothing is applied: the weights and the optimizer's
   * state stay as they were.
   *
   * @param learningRate the rate of this step
   * @param clipNorm largest global norm; 0 or less is off
   * @return the global norm before clipping
   */
  float update(float learningRate, float clipNorm);

  /** Frees gradients, optimizer state and graphs; the model stays. Idempotent. */
  @Override
  void close();
}
