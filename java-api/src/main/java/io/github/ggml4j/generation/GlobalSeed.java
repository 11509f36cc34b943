package io.github.ggml4j.generation;

import java.security.SecureRandom;

/**
 * Where calls without a seed get theirs. Unset, every call is random; once set, the first, second
 * and every later call get the same seeds again, as after {@code set_seed} of Hugging Face.
 *
 * <p>Thread-safe; with several threads the order of their calls decides who gets which.
 */
public final class GlobalSeed {
  private static RandomStream seeds = new RandomStream(new SecureRandom().nextLong(), 0);

  private GlobalSeed() {}

  /** Starts the row of seeds anew. */
  public static synchronized void set(long seed) {
    seeds = new RandomStream(seed, -1);
  }

  /** The next seed. */
  public static synchronized long next() {
    return seeds.nextLong();
  }
}
