package io.github.ggml4j.internal;

import static io.github.ggml4j.internal.SplitMix64.GAMMA;
import static io.github.ggml4j.internal.SplitMix64.mix;

/**
 * Uniform random numbers: xoshiro256++ (Blackman and Vigna, 2019), its state filled by SplitMix64
 * (Steele, Lea and Flood, 2014). Streams with different numbers under one seed are independent.
 * Each sequence has its own, so its tokens do not depend on the rest of the batch.
 */
public final class RandomStream {
  private long s0;
  private long s1;
  private long s2;
  private long s3;

  /**
   * A stream.
   *
   * @param stream number of the stream under the seed
   */
  public RandomStream(long seed, long stream) {
    long state = mix(seed) ^ mix(stream * GAMMA + 1);
    s0 = mix(state += GAMMA);
    s1 = mix(state += GAMMA);
    s2 = mix(state += GAMMA);
    s3 = mix(state + GAMMA);
  }

  /** 64 random bits. */
  public long nextLong() {
    long result = Long.rotateLeft(s0 + s3, 23) + s0;
    long t = s1 << 17;
    s2 ^= s0;
    s3 ^= s1;
    s1 ^= s2;
    s0 ^= s3;
    s2 ^= t;
    s3 = Long.rotateLeft(s3, 45);
    return result;
  }

  /** In [0, 1), with 53 random bits. */
  public double nextDouble() {
    return (nextLong() >>> 11) * 0x1p-53;
  }
}
