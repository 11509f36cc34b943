package io.github.ggml4j.evaluation;

import io.github.ggml4j.internal.Check;
import java.util.List;

/**
 * The measured speed of repeated runs.
 *
 * @param name what was measured: {@code prompt}, {@code decode}, {@code batch} or {@code training}
 * @param tokens number of tokens in one run, over all sequences
 * @param seconds duration of each run, in order
 * @param freeMemory free memory of the device in bytes after the last run, before its buffers are
 *     released
 */
public record Speed(String name, int tokens, List<Double> seconds, long freeMemory) {
  /** Checks that there is a run with a token. */
  public Speed {
    seconds = List.copyOf(seconds);
    Check.atLeast("tokens", tokens, 1);
    Check.atLeast("number of runs", seconds.size(), 1);
  }

  /** Tokens per second of the median run; the slower of two medians. */
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
