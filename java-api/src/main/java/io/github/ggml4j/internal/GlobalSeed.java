package io.github.ggml4j.internal;

import java.security.SecureRandom;

/**
 * Seeds for calls that set none. By default they are random. After {@link #set}, calls get the same
 * seeds in the same order, as after Hugging Face's {@code set_seed}.
 *
 * <p>Thread-safe. Several threads get the seeds in the order of their calls.
 */
public final class GlobalSeed {
  private static RandomStream seeds = new RandomStream(new SecureRandom().nextLong(), 0);

  private GlobalSeed() {}

  /** Restarts the sequence of seeds. */
  public static synchronized void set(long seed) {
    seeds = new RandomStream(seed, -1);
  }

  /** The next seed. */
  public static synchronized long next() {
    return seeds.nextLong();
  }
}
