package io.github.ggml4j.trainer.data;

import io.github.ggml4j.internal.SplitMix64;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * Shuffles what is read one by one: items are drawn at random from those held, and others take
 * their places. Its state is the items and one number, so that a place in the order can be kept.
 *
 * <p>Not thread-safe.
 *
 * @param <T> what is shuffled
 */
public final class ShuffleWindow<T> {
  private final int capacity;
  private final List<T> items = new ArrayList<>();
  private long random;

  /**
   * An empty window.
   *
   * @param capacity items to draw from, at least 1; with 1 the order stays as it is
   * @param random a seed, or {@link #random()} of a window to go on from
   */
  public ShuffleWindow(int capacity, long random) {
    if (capacity < 1) {
      throw new IllegalArgumentException("capacity is " + capacity + ", expected at least 1");
    }
    this.capacity = capacity;
    this.random = random;
  }

  /** Whether as many items are held as there may be; more are accepted all the same. */
  public boolean isFull() {
    return items.size() >= capacity;
  }

  /** Whether there is nothing to draw. */
  public boolean isEmpty() {
    return items.isEmpty();
  }

  /** Adds an item to those that are drawn from. */
  public void add(T item) {
    items.add(item);
  }

  /**
   * Takes an item out, each with the same chance.
   *
   * @throws IllegalStateException when nothing is held
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

  /** The items held, in the order that the next draws depend on. */
  public List<T> items() {
    return Collections.unmodifiableList(items);
  }

  /** The state of the generator. */
  public long random() {
    return random;
  }

  /**
   * SplitMix64, whose whole state is one number (Steele, Lea, Flood: Fast splittable pseudorandom
   * number generators).
   */
  private long nextRandom() {
    random += SplitMix64.GAMMA;
    return SplitMix64.mix(random);
  }
}
