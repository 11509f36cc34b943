package io.github.ggml4j.trainer;

import java.time.Duration;
import java.util.List;

/**
 * The result of an evaluation.
 *
 * @param step optimizer steps done
 * @param epoch completed passes over the training data, including the fraction of the current one
 * @param loss mean cross entropy (nats) over all labels of the evaluation data, without dropout
 * @param accuracy share of labels that were the most likely token, 0 to 1
 * @param labels number of labels
 * @param duration time of the evaluation
 * @param samples texts for the prompts of {@link Trainer#samplePrompts}, in their order
 */
public record EvaluationMetrics(
    long step,
    double epoch,
    double loss,
    double accuracy,
    long labels,
    Duration duration,
    List<String> samples) {

  /**
   * Perplexity: {@code exp(loss)}.
   *
   * @return at least 1
   */
  public double perplexity() {
    return Math.exp(loss);
  }
}
