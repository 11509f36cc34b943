package io.github.ggml4j.generation;

import io.github.ggml4j.benchmarks.jmh.MicroBenchmark;
import io.github.ggml4j.internal.RandomStream;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Setup;

/**
 * Choosing one token from GPT-2's 50,257 logits. In this package because the sampler is not public.
 */
public class SamplingBenchmark extends MicroBenchmark {
  private static final int VOCAB_SIZE = 50_257;
  private static final int BEST = 1234;

  private final float[] logits = new float[VOCAB_SIZE];
  private final Candidates candidates = new Candidates();
  private final RandomStream random = new RandomStream(42, 0);
  private final CandidateFilter topK = new CandidateFilter.TopK(50);
  private final CandidateFilter topP = new CandidateFilter.TopP(0.9f, 1);

  /** Draws logits from a normal distribution and checks the choices that are certain. */
  @Setup
  public void setUp() {
    var normal = new java.util.Random(7);
    for (int i = 0; i < VOCAB_SIZE; i++) {
      logits[i] = (float) (3 * normal.nextGaussian());
    }
    logits[BEST] = 40;
    check(greedy() == BEST, "greedy search does not choose the largest logit");
    check(sample() == BEST, "a token with a probability of almost 1 is not drawn");
    check(sampleTopK() == BEST && sampleTopP() == BEST, "a filter dropped the largest logit");
    candidates.reset(logits);
    topK.filter(candidates);
    check(candidates.size() == 50, "top_k=50 keeps " + candidates.size() + " tokens");
    logits[BEST] = 9;
  }

  /** The largest logit. */
  @Benchmark
  public int greedy() {
    return Sampler.argmax(logits);
  }

  /** A draw from all tokens. */
  @Benchmark
  public int sample() {
    candidates.reset(logits);
    return candidates.id(Sampler.draw(candidates, random));
  }

  /** A draw with top_k=50. */
  @Benchmark
  public int sampleTopK() {
    candidates.reset(logits);
    topK.filter(candidates);
    return candidates.id(Sampler.draw(candidates, random));
  }

  /** A draw with top_p=0.9. */
  @Benchmark
  public int sampleTopP() {
    candidates.reset(logits);
    topP.filter(candidates);
    return candidates.id(Sampler.draw(candidates, random));
  }
}
