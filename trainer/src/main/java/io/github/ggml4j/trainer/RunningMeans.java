package io.github.ggml4j.trainer;

/** Loss and speed of the last steps, smoothed so that they can be read while they run. */
final class RunningMeans {
  /** Weight of what was before; about the last 20 steps count. */
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
