package io.github.ggml4j.tensor;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Where the time of a device goes. While {@link Device#profile} has one, graphs run node by node,
 * each waited for and timed; what a GPU gains by taking nodes together, or by going on while the
 * next is handed over, does not show.
 *
 * <p>Calling a device and waiting for it takes time by itself, for which nodes that compute nothing
 * stand: it is taken off every other. Not thread-safe; computations of a device take turns.
 */
public final class OpProfile {
  /**
   * All nodes of one kind.
   *
   * @param op with types and shapes
   * @param count how many ran
   * @param seconds of all of them
   */
  public record Entry(GraphOp op, int count, double seconds) {}

  private final Map<GraphOp, List<Long>> nanos = new LinkedHashMap<>();
  private final List<Long> empty = new ArrayList<>();

  /** Nothing timed yet. */
  public OpProfile() {}

  void add(GraphOp op, long nanoseconds) {
    nanos.computeIfAbsent(op, _ -> new ArrayList<>()).add(nanoseconds);
  }

  void addEmpty(long nanoseconds) {
    empty.add(nanoseconds);
  }

  /** Seconds that each node took to be called and waited for; 0 when none was empty. */
  public double overhead() {
    return median(empty) / 1e9;
  }

  private static long median(List<Long> values) {
    return values.isEmpty() ? 0 : values.stream().sorted().toList().get(values.size() / 2);
  }

  /** The costliest first. */
  public List<Entry> entries() {
    long overhead = median(empty);
    return nanos.entrySet().stream()
        .map(entry ->
            new Entry(
                entry.getKey(),
                entry.getValue().size(),
                entry.getValue().stream().mapToLong(t -> Math.max(0, t - overhead)).sum() / 1e9))
        .sorted(Comparator.comparingDouble(Entry::seconds).reversed())
        .toList();
  }
}
