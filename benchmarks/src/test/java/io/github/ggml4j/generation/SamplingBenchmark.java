package io.github.ggml4j.generation;

import io.github.ggml4j.benchmarks.jmh.MicroBenchmark;
import io.github.ggml4j.internal.RandomStream;
import java.util.ArrayList;
import java.util.List;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Setup;

/**
 * Drawing one token from GPT-2's 50,257 logits, beside the plain way that sorts the vocabulary. In
 * this package because the sampler is not public.
 */
public class SamplingBenchmark extends MicroBenchmark {
  private static final int VOCAB_SIZE = 50_257;
  private static final int CHECKED_DRAWS = 500;
  private static final float TEMPERATURE = 0.8f;
  private static final int TOP_K = 50;
  private static final float TOP_P = 0.9f;

  /** The filters before the draw; {@code all} has none. */
  @Param({"all", "temperature", "topK", "topP", "topK+topP"})
  public String filters = "all";

  /**
   * The distribution. {@code flat}: logits from a normal distribution, top_p=0.9 keeps about 2,000
   * tokens. {@code peaked}: as after a usual text, top_p=0.9 keeps about 50.
   */
  @Param({"peaked", "flat"})
  public String distribution = "peaked";

  private final float[] logits = new float[VOCAB_SIZE];
  private final Candidates candidates = new Candidates();
  private final SortedVocabulary sorted = new SortedVocabulary(VOCAB_SIZE);
  private final List<CandidateFilter> steps = new ArrayList<>();
  private float temperature = 1;
  private int topK;
  private float topP = 1;
  private RandomStream random = new RandomStream(42, 0);

  /** Makes the logits, and checks that both ways draw the same tokens. */
  @Setup
  public void setUp() {
    var normal = new java.util.Random(7);
    for (int i = 0; i < VOCAB_SIZE; i++) {
      double x = normal.nextGaussian();
      logits[i] = (float) (distribution.equals("flat") ? 3 * x : 2 * x + x * x * x / 5);
    }
    if (filters.equals("temperature")) {
      temperature = TEMPERATURE;
      steps.add(new CandidateFilter.Temperature(temperature));
    }
    if (filters.startsWith("topK")) {
      topK = TOP_K;
      steps.add(new CandidateFilter.TopK(topK));
    }
    if (filters.endsWith("topP")) {
      topP = TOP_P;
      steps.add(new CandidateFilter.TopP(topP, 1));
    }
    var drawn = new int[CHECKED_DRAWS];
    for (int i = 0; i < CHECKED_DRAWS; i++) {
      drawn[i] = sample();
    }
    random = new RandomStream(42, 0);
    for (int i = 0; i < CHECKED_DRAWS; i++) {
      int expected = sampleBySorting();
      check(
          drawn[i] == expected,
          "draw %d is token %d, expected %d".formatted(i, drawn[i], expected));
    }
  }

  /** A draw as {@code TextGenerator} does it. */
  @Benchmark
  public int sample() {
    candidates.reset(logits);
    for (var step : steps) {
      step.filter(candidates);
    }
    return candidates.id(candidates.draw(random));
  }

  /** A draw that sorts the whole vocabulary first. */
  @Benchmark
  public int sampleBySorting() {
    return sorted.draw(logits, temperature, topK, topP, random);
  }
}
