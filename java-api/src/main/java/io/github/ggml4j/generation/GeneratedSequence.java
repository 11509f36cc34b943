package io.github.ggml4j.generation;

import java.util.Arrays;

/**
 * A generated continuation. Arrays are copies.
 *
 * <p>Log-probabilities are empty unless {@code logProbs} were asked for.
 */
public final class GeneratedSequence {
  private final String text;
  private final int[] ids;
  private final float[] logProbs;
  private final float[] transitionScores;
  private final float score;
  private final FinishReason finishReason;

  GeneratedSequence(
      String text,
      int[] ids,
      float[] logProbs,
      float[] transitionScores,
      float score,
      FinishReason finishReason) {
    this.text = text;
    this.ids = ids;
    this.logProbs = logProbs;
    this.transitionScores = transitionScores;
    this.score = score;
    this.finishReason = finishReason;
  }

  /** The text, without special tokens; from {@code TextGenerator} with the prompt if so set. */
  public String text() {
    return text;
  }

  /** The generated ids, without the prompt, with the end-of-sequence token that ended them. */
  public int[] ids() {
    return ids.clone();
  }

  /** For each id the log-softmax of the model's own logits, before any processor. */
  public float[] logProbs() {
    return logProbs.clone();
  }

  /**
   * For each id the score it was chosen by. Greedy search and sampling: the log-softmax of the
   * processed logits, as Hugging Face's {@code compute_transition_scores} with {@code
   * normalize_logits=True}. Beam search: the processed log-probability, as with {@code False}; they
   * add up to {@link #score()} before its length penalty.
   */
  public float[] transitionScores() {
    return transitionScores.clone();
  }

  /** Beam search: the sum of log-probabilities over length to the length penalty; else NaN. */
  public float score() {
    return score;
  }

  /** Why it ended. */
  public FinishReason finishReason() {
    return finishReason;
  }

  /** The same with other text. */
  public GeneratedSequence withText(String text) {
    return new GeneratedSequence(text, ids, logProbs, transitionScores, score, finishReason);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof GeneratedSequence that
        && text.equals(that.text)
        && Arrays.equals(ids, that.ids)
        && Arrays.equals(logProbs, that.logProbs)
        && Arrays.equals(transitionScores, that.transitionScores)
        && Float.compare(score, that.score) == 0
        && finishReason == that.finishReason;
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(ids);
  }

  @Override
  public String toString() {
    return "GeneratedSequence[" + ids.length + " ids, " + finishReason + ", " + text + "]";
  }
}
