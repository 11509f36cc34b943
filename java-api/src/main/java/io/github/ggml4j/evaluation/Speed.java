package io.github.ggml4j.evaluation;

import java.util.List;

/**
 * How fast something ran, several times over.
 *
 * @param name what ran: {@code prompt}, {@code decode}, {@code batch} or {@code training}
 * @param tokens of one run, those of all sequences together
 * @param seconds of each run, in their order
 * @param freeMemory bytes of the device that were free when the last run had ended, what it
 *     computed with still being held
 */
public record Speed(String name, int tokens, List<Double> seconds, long freeMemory) {
  /** Checks that there is something to tell. */
  public Speed {
    seconds = List.copyOf(seconds);
    if (tokens < 1 || seconds.isEmpty()) {
      throw new IllegalArgumentException(
          tokens + " tokens in " + seconds.size() + " runs, expected at least one in one");
    }
  }

  /** Tokens per second of the middle run, the lower of two. */
  public double tokensPerSecond() {
    var speeds = runs().stream().sorted().toList();
    return speeds.get((speeds.size() - 1) / 2);
  }

  /** Tokens per second of each run. */
  public List<Double> runs() {
    return seconds.stream().map(s -> tokens / Math.max(s, 1e-9)).toList();
  }

  /** Tokens per second of the slowest run. */
  public double min() {
    return runs().stream().mapToDouble(Double::doubleValue).min().orElseThrow();
  }

  /** Tokens per second of the fastest run. */
  public double max() {
    return runs().stream().mapToDouble(Double::doubleValue).max().orElseThrow();
  }
}
