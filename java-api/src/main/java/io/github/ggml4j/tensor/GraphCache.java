package io.github.ggml4j.tensor;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Function;

/**
 * Keeps graphs for the next time that they are asked for; the least recently used makes room. Not
 * thread-safe.
 *
 * <p><b>Memory management.</b> Owns the graphs that it has.
 *
 * @param <K> what a graph is made for, such as a number of tokens
 * @param <P> a graph with its inputs and outputs
 */
public final class GraphCache<K, P> implements AutoCloseable {
  private final int capacity;
  private final Function<K, P> build;
  private final Function<P, Graph> graph;
  private final Map<K, P> plans = new LinkedHashMap<>(16, 0.75f, true);

  /**
   * An empty cache.
   *
   * @param capacity the most graphs it keeps
   * @param build makes what it has not
   * @param graph the graph of what {@code build} made
   */
  public GraphCache(int capacity, Function<K, P> build, Function<P, Graph> graph) {
    this.capacity = capacity;
    this.build = build;
    this.graph = graph;
  }

  /** What was built for a key, valid until the next call. */
  public P get(K key) {
    var plan = plans.get(key);
    if (plan == null) {
      if (plans.size() == capacity) {
        var eldest = plans.values().iterator();
        graph.apply(eldest.next()).close();
        eldest.remove();
      }
      plan = build(key);
      plans.put(key, plan);
    }
    return plan;
  }

  /** Where there is not enough memory for one more, the others make room. */
  private P build(K key) {
    try {
      return build.apply(key);
    } catch (OutOfDeviceMemoryException e) {
      if (plans.isEmpty()) {
        throw e;
      }
      clear();
      return build.apply(key);
    }
  }

  /** Bytes of all graphs. */
  public long bytes() {
    return plans.values().stream().mapToLong(plan -> graph.apply(plan).bytes()).sum();
  }

  /** Closes all graphs; others can be built. */
  public void clear() {
    plans.values().forEach(plan -> graph.apply(plan).close());
    plans.clear();
  }

  @Override
  public void close() {
    clear();
  }
}
