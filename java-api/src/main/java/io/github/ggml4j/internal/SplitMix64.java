package io.github.ggml4j.internal;

/**
 * The mixing function of SplitMix64 (Steele, Lea and Flood 2014, "Fast splittable pseudorandom
 * number generators"), with which counters become random bits.
 */
public final class SplitMix64 {
  /** 2^64 divided by the golden ratio: what the generator adds to its state for each number. */
  public static final long GAMMA = 0x9E3779B97F4A7C15L;

  private SplitMix64() {}

  /** Mixes all bits of {@code z}; a bijection. */
  public static long mix(long z) {
    long x = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    x = (x ^ (x >>> 27)) * 0x94D049BB133111EBL;
    return x ^ (x >>> 31);
  }
}
