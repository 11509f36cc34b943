package io.github.ggml4j.generation;

import io.github.ggml4j.benchmarks.jmh.MicroBenchmark;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Setup;

/** Choosing the largest of GPT-2's 50,257 logits. */
public class GreedyBenchmark extends MicroBenchmark {
  private static final int VOCAB_SIZE = 50_257;
  private static final int BEST = 1234;

  private final float[] logits = new float[VOCAB_SIZE];

  /** Draws logits from a normal distribution and makes one the largest. */
  @Setup
  public void setUp() {
    var normal = new java.util.Random(7);
    for (int i = 0; i < VOCAB_SIZE; i++) {
      logits[i] = (float) (3 * normal.nextGaussian());
    }
    logits[BEST] = 40;
    check(greedy() == BEST, "greedy search does not choose the largest logit");
  }

  /** The largest logit. */
  @Benchmark
  public int greedy() {
    return Sampler.argmax(logits);
  }
}
