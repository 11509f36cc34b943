package io.github.ggml4j.trainer;

/** Exponential moving averages of loss and speed. */
final class RunningMeans {
  /** Weight of earlier steps; the mean is over about the last 20. */
  private static final double DECAY = 0.95;

  private double weight;
  private double loss;
  private double seconds;
  private double tokens;

  void add(StepMetrics step) {
    weight = DECAY * weight + 1;
    loss = DECAY * loss + step.loss();
    tokens = DECAY * tokens + step.tokens();
    seconds = DECAY * seconds + step.tokens() / step.tokensPerSecond();
  }

  double loss() {
    return loss / weight;
  }

  double tokensPerSecond() {
    return tokens / seconds;
  }

  double secondsPerStep() {
    return seconds / weight;
  }
}
