package io.github.ggml4j.tensor;

import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Function;

/**
 * Caches graphs and closes the least recently used when it is full. Not thread-safe.
 *
 * <p><b>Memory management.</b> Owns the cached graphs.
 *
 * @param <K> what a graph is built for, such as a number of tokens; needs {@code equals}
 * @param <V> a graph with its inputs and outputs
 */
public final class GraphCache<K, V> implements AutoCloseable {
  private final int capacity;
  private final Function<K, V> build;
  private final Function<V, Graph> graph;

  /** In the order of their last use. */
  private final Map<K, V> cached = new LinkedHashMap<>(16, 0.75f, true);

  /**
   * An empty cache.
   *
   * @param capacity the most graphs that are cached
   * @param build builds a graph that is not cached
   * @param graph returns the graph of a cached value
   */
  public GraphCache(int capacity, Function<K, V> build, Function<V, Graph> graph) {
    this.capacity = capacity;
    this.build = build;
    this.graph = graph;
  }

  /** Returns the value for a key and builds it if it is not cached. Valid until the next call. */
  public V get(K key) {
    var value = cached.get(key);
    if (value == null) {
      if (cached.size() == capacity) {
        var eldest = cached.values().iterator();
        graph.apply(eldest.next()).close();
        eldest.remove();
      }
      value = build(key);
      cached.put(key, value);
    }
    return value;
  }

  /** If the device does not have enough memory, all cached graphs are closed and it tries again. */
  private V build(K key) {
    try {
      return build.apply(key);
    } catch (OutOfDeviceMemoryException e) {
      if (cached.isEmpty()) {
        throw e;
      }
      clear();
      return build.apply(key);
    }
  }

  /** The cached values, the least recently used first. */
  public Collection<V> values() {
    return Collections.unmodifiableCollection(cached.values());
  }

  /** Bytes of all cached graphs. */
  public long bytes() {
    return cached.values().stream().mapToLong(value -> graph.apply(value).bytes()).sum();
  }

  /** Closes all cached graphs; the cache stays usable. */
  public void clear() {
    cached.values().forEach(value -> graph.apply(value).close());
    cached.clear();
  }

  @Override
  public void close() {
    clear();
  }
}
