package io.github.ggml4j.generation;

import java.util.Arrays;

/**
 * A generated continuation. Arrays are copies. Immutable and thread-safe.
 *
 * <p>Arrays of log-probabilities are empty if {@code logProbs} is off.
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

  /**
   * The text, without special tokens. From {@code TextGenerator} it begins with the prompt if
   * {@code returnFullText} is on.
   */
  public String text() {
    return text;
  }

  /** The generated ids without the prompt, including the end-of-sequence token if there is one. */
  public int[] ids() {
    return ids.clone();
  }

  /** The log-softmax of the model's logits for each id, before any processor. */
  public float[] logProbs() {
    return logProbs.clone();
  }

  /**
   * The score by which each id was chosen. Greedy search and sampling: the log-softmax of the
   * processed logits, as Hugging Face's {@code compute_transition_scores} with {@code
   * normalize_logits=True}. Beam search: the processed log-probability, as with {@code False};
   * their sum is {@link #score()} before the length penalty.
   */
  public float[] transitionScores() {
    return transitionScores.clone();
  }

  /** Beam search: the sum of log-probabilities divided by length^lengthPenalty; otherwise NaN. */
  public float score() {
    return score;
  }

  /** Why the sequence ended. */
  public FinishReason finishReason() {
    return finishReason;
  }

  /** A copy with another text. */
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
