package io.github.ggml4j.generation;

/**
 * Uniform random numbers: xoshiro256++ (Blackman and Vigna, 2019), its state filled by SplitMix64
 * (Steele, Lea and Flood, 2014). Streams of different numbers under one seed are independent, which
 * gives every sequence its own and makes results independent of what else is in the batch.
 */
final class RandomStream {
  private static final long GOLDEN_GAMMA = 0x9e3779b97f4a7c15L;

  private long s0;
  private long s1;
  private long s2;
  private long s3;

  RandomStream(long seed, long stream) {
    long state = mix(seed) ^ mix(stream * GOLDEN_GAMMA + 1);
    s0 = mix(state += GOLDEN_GAMMA);
    s1 = mix(state += GOLDEN_GAMMA);
    s2 = mix(state += GOLDEN_GAMMA);
    s3 = mix(state + GOLDEN_GAMMA);
  }

  private static long mix(long z) {
    z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
    z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
    return z ^ (z >>> 31);
  }

  long nextLong() {
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
  double nextDouble() {
    return (nextLong() >>> 11) * 0x1p-53;
  }
}
