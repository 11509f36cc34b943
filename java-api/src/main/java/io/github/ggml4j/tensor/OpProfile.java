package io.github.ggml4j.tensor;

import io.github.ggml4j.bindings.ffi.Ggml;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Measures the time of each op on a device. While {@link Device#profile} has a profile, graphs run
 * node by node, and each node is timed until it is finished. On a GPU the sum of the times is
 * therefore larger than the time of the whole graph, in which nodes overlap.
 *
 * <p>Calling a device and waiting for it takes time by itself. It is estimated from nodes that
 * compute nothing and subtracted from all others. Not thread-safe; computations of a device take
 * turns.
 */
public final class OpProfile {
  /**
   * All nodes of one kind.
   *
   * @param op with types and shapes
   * @param count how many ran
   * @param seconds the time of all of them
   */
  public record Entry(GraphOp op, int count, double seconds) {}

  private final Map<GraphOp, List<Long>> nanos = new LinkedHashMap<>();
  private final List<Long> empty = new ArrayList<>();

  /** An empty profile. */
  public OpProfile() {}

  /** Runs every node as a graph of its own. */
  void compute(Device device, Nodes nodes, Runnable check) {
    device.exclusively(() -> {
      var scratch = TensorStore.newContext(Ggml.ggml_graph_overhead_custom(1, false));
      try {
        var single = Ggml.ggml_new_graph_custom(scratch, 1, false);
        for (var node : nodes.all()) {
          Ggml.ggml_graph_clear(single);
          Ggml.ggml_graph_add_node(single, node);
          long start = System.nanoTime();
          device.compute(single, check);
          long nanoseconds = System.nanoTime() - start;
          if (Nodes.isView(node)) {
            empty.add(nanoseconds);
          } else {
            nanos.computeIfAbsent(nodes.describe(node), _ -> new ArrayList<>()).add(nanoseconds);
          }
        }
      } finally {
        Ggml.ggml_free(scratch);
      }
      return null;
    });
  }

  /** Seconds that one call of the device and waiting for it take; 0 if not known. */
  public double overhead() {
    return median(empty) / 1e9;
  }

  private static long median(List<Long> values) {
    return values.isEmpty() ? 0 : values.stream().sorted().toList().get(values.size() / 2);
  }

  /** The entries, the one with the most time first. */
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
