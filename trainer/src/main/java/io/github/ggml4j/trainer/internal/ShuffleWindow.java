package io.github.ggml4j.trainer.internal;

import io.github.ggml4j.internal.Check;
import io.github.ggml4j.internal.SplitMix64;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * Shuffles a stream within a window: {@link #draw} removes a random item of the window, {@link
 * #add} adds the next item of the stream. To save and restore a window, save its items and its
 * {@link #state}.
 *
 * <p>Not thread-safe.
 *
 * @param <T> type of the items
 */
public final class ShuffleWindow<T> {
  private final int capacity;
  private final List<T> items = new ArrayList<>();
  private long state;

  /**
   * An empty window.
   *
   * @param capacity number of items in a full window, at least 1; with 1 the order does not change
   * @param state a seed, or the {@link #state} of a saved window
   */
  public ShuffleWindow(int capacity, long state) {
    this.capacity = Check.atLeast("capacity", capacity, 1);
    this.state = state;
  }

  /** Whether the window holds as many items as its capacity. */
  public boolean isFull() {
    return items.size() >= capacity;
  }

  /** Whether the window holds no items. */
  public boolean isEmpty() {
    return items.isEmpty();
  }

  /** Adds an item, even if the window is full. */
  public void add(T item) {
    items.add(item);
  }

  /**
   * Removes a random item and returns it. Every item has the same probability.
   *
   * @throws IllegalStateException if the window is empty
   */
  public T draw() {
    if (items.isEmpty()) {
      throw new IllegalStateException("the window is empty");
    }
    int chosen = (int) Math.unsignedMultiplyHigh(nextRandom(), items.size());
    T item = items.get(chosen);
    T last = items.remove(items.size() - 1);
    if (chosen < items.size()) {
      items.set(chosen, last);
    }
    return item;
  }

  /** The items. Later draws depend on their order. */
  public List<T> items() {
    return Collections.unmodifiableList(items);
  }

  /** The state of the random number generator. */
  public long state() {
    return state;
  }

  /** The next number of SplitMix64, whose state is one number. */
  private long nextRandom() {
    state += SplitMix64.GAMMA;
    return SplitMix64.mix(state);
  }
}
