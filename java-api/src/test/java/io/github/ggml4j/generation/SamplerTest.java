package io.github.ggml4j.generation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.ggml4j.internal.RandomStream;
import io.github.ggml4j.tensor.internal.Exp;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Random numbers, exponentials, and draws that follow the distribution. */
class SamplerTest {
  @Test
  void exponentialIsExact() {
    for (double x = 0; x > -700; x -= 0.0137) {
      assertThat(Exp.exp(x)).isCloseTo(Math.exp(x), within(1e-12 * Math.exp(x)));
    }
    assertThat(Exp.exp(0)).isCloseTo(1, within(1e-12));
    assertThat(Exp.exp(-701)).isZero();
    assertThat(Exp.exp(Double.NEGATIVE_INFINITY)).isZero();
    assertThat(Exp.exp(Double.NaN)).isNaN();
  }

  @Test
  void randomNumbersAreTheSameEverywhere() {
    var random = new RandomStream(42, 0);
    assertThat(new long[] {random.nextLong(), random.nextLong(), random.nextLong()})
        .containsExactly(1844950147515765643L, -3349646876679707088L, 3953056964568416961L);
  }

  @Test
  void streamsOfOneSeedAreUncorrelated() {
    int n = 100_000;
    double sum = 0;
    var first = new RandomStream(1, 0);
    var second = new RandomStream(1, 1);
    for (int i = 0; i < n; i++) {
      sum += (first.nextDouble() - 0.5) * (second.nextDouble() - 0.5) * 12;
    }
    assertThat(sum / n).isCloseTo(0, within(4 / Math.sqrt(n)));
  }

  @Test
  void argmaxTakesTheFirstOfEquals() {
    assertThat(Sampler.argmax(new float[] {1, 3, 3, 2})).isEqualTo(1);
  }

  @Test
  void nothingLeftAndNanAreErrors() {
    assertThatThrownBy(() -> Sampler.argmax(filled(Float.NEGATIVE_INFINITY)))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("No token is left");
    assertThatThrownBy(() -> Sampler.argmax(new float[] {1, Float.NaN}))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("NaN");
    assertThatThrownBy(() -> draw(filled(Float.NEGATIVE_INFINITY), 1))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("No token is left");
    assertThatThrownBy(() -> draw(new float[] {1, Float.POSITIVE_INFINITY}, 1))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("infinite");
    assertThatThrownBy(() -> draw(filled(Float.NaN), 1))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("NaN");
  }

  private static float[] filled(float value) {
    float[] logits = new float[9];
    Arrays.fill(logits, value);
    return logits;
  }

  private static int draw(float[] logits, long seed, CandidateFilter... filters) {
    var candidates = new Candidates();
    candidates.reset(logits);
    for (var filter : filters) {
      filter.filter(candidates);
    }
    return candidates.id(candidates.draw(new RandomStream(seed, 0)));
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 7, 50, 300})
  void drawsFollowTheSoftmax(int size) {
    float[] logits = FakeDecoder.random(size, 3).logits(new int[] {1});
    double logSum = Exp.logSumExp(logits, size);
    double[] expected = new double[size];
    for (int i = 0; i < size; i++) {
      expected[i] = Math.exp(logits[i] - logSum);
    }
    assertThat(chiSquare(logits, expected)).isLessThan(limit(size - 1));
  }

  @Test
  void drawsAfterFiltersFollowWhatIsLeft() {
    float[] logits = {0, 1, 2, 3, 4, -1};
    double[] expected = new double[6];
    double sum = Math.exp(2) + Math.exp(1.5) + Math.exp(1);
    for (int i = 2; i < 5; i++) {
      expected[i] = Math.exp(logits[i] / 2.0) / sum;
    }
    var filters =
        new CandidateFilter[] {new CandidateFilter.Temperature(2), new CandidateFilter.TopK(3)};
    assertThat(chiSquare(logits, expected, filters)).isLessThan(limit(2));
  }

  private static double chiSquare(float[] logits, double[] expected, CandidateFilter... filters) {
    int draws = 200_000;
    int[] counts = new int[logits.length];
    var random = new RandomStream(2024, 0);
    var candidates = new Candidates();
    for (int i = 0; i < draws; i++) {
      candidates.reset(logits.clone());
      for (var filter : filters) {
        filter.filter(candidates);
      }
      counts[candidates.id(candidates.draw(random))]++;
    }
    double sum = 0;
    for (int i = 0; i < counts.length; i++) {
      if (expected[i] == 0) {
        assertThat(counts[i]).as("draws of removed token %d", i).isZero();
      } else {
        double difference = counts[i] - draws * expected[i];
        sum += difference * difference / (draws * expected[i]);
      }
    }
    return sum;
  }

  /** Exceeded by chance once in about 30,000 times (four standard deviations). */
  private static double limit(int degrees) {
    return degrees + 4 * Math.sqrt(2.0 * degrees) + 8;
  }

  /** Vocabularies with equal, very unlikely and forbidden tokens. */
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 10, 1000, 50_257})
  void drawsInvertTheCumulativeDistributionOfTheSortedTokens(int size) {
    var normal = new Random(size);
    float[] logits = new float[size];
    for (int i = 0; i < size; i++) {
      double x = normal.nextGaussian();
      logits[i] =
          i % 7 == 3 ? Float.NEGATIVE_INFINITY : Math.round(10 * (2 * x + x * x * x / 5)) / 10f;
    }
    var sorted = new Integer[size];
    Arrays.setAll(sorted, i -> i);
    Arrays.sort(sorted, Comparator.comparingDouble(i -> -logits[i]));
    double logSum = Exp.logSumExp(logits, size);
    var random = new RandomStream(5, 0);
    var numbers = new RandomStream(5, 0);
    var candidates = new Candidates();
    for (int draw = 0; draw < 300; draw++) {
      candidates.reset(logits);
      double left = numbers.nextDouble();
      int position = -1;
      while (left > 0 && position < size - 1) {
        left -= Math.exp(logits[sorted[++position]] - logSum);
      }
      assertThat(candidates.id(candidates.draw(random))).isEqualTo(sorted[position]);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 50, 3000, 30_000, 50_257})
  void theLargestOfManyIsFound(int k) {
    float[] logits = FakeDecoder.random(50_257, 3).logits(new int[] {1});
    float[] sorted = logits.clone();
    Arrays.sort(sorted);
    var candidates = new Candidates();
    for (float[] order : new float[][] {logits, sorted}) {
      candidates.reset(order);
      assertThat(candidates.largest(k)).isEqualTo(sorted[sorted.length - k]);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 5, 6})
  void theLargestIsFound(int k) {
    float[] logits = {5, 1, 4, 4, 2, 3};
    var candidates = new Candidates();
    candidates.reset(logits);
    float[] sorted = logits.clone();
    Arrays.sort(sorted);
    assertThat(candidates.largest(k)).isEqualTo(sorted[sorted.length - k]);
  }

  @Test
  void filtersAgreeWithTheirDefinitionsOnManyLogits() {
    for (int seed = 0; seed < 300; seed++) {
      int size = 2 + seed % 90;
      float[] logits = FakeDecoder.random(size, seed).logits(new int[] {seed});
      float p = (1 + seed % 97) / 98f;
      assertThat(kept(logits, new CandidateFilter.TopP(p, 1))).isEqualTo(topP(logits, p));
      assertThat(kept(logits, new CandidateFilter.MinP(p, 1))).isEqualTo(minP(logits, p));
      assertThat(kept(logits, new CandidateFilter.TypicalP(p, 1))).isEqualTo(typical(logits, p));
    }
  }

  private static int kept(float[] logits, CandidateFilter filter) {
    float[] scores = logits.clone();
    filter.process(new int[0], scores);
    int kept = 0;
    for (int i = 0; i < scores.length; i++) {
      kept += scores[i] == logits[i] ? 1 : 0;
    }
    return kept;
  }

  private static double[] probabilities(float[] logits) {
    double logSum = Exp.logSumExp(logits, logits.length);
    double[] result = new double[logits.length];
    Arrays.setAll(result, i -> Math.exp(logits[i] - logSum));
    return result;
  }

  private static int topP(float[] logits, double p) {
    double[] sorted = probabilities(logits);
    Arrays.sort(sorted);
    double mass = 0;
    int kept = 0;
    for (int i = sorted.length - 1; i >= 0 && mass < p; i--, kept++) {
      mass += sorted[i];
    }
    return kept;
  }

  private static int minP(float[] logits, double p) {
    double[] probabilities = probabilities(logits);
    double max = Arrays.stream(probabilities).max().orElseThrow();
    return (int) Arrays.stream(probabilities).filter(q -> q >= p * max).count();
  }

  private static int typical(float[] logits, double p) {
    double[] probabilities = probabilities(logits);
    double entropy = Arrays.stream(probabilities).map(q -> -q * Math.log(q)).sum();
    double[][] bySurprise =
        Arrays.stream(probabilities)
            .mapToObj(q -> new double[] {Math.abs(-Math.log(q) - entropy), q})
            .sorted((a, b) -> Double.compare(a[0], b[0]))
            .toArray(double[][]::new);
    double mass = 0;
    int kept = 0;
    while (kept < bySurprise.length && mass < p) {
      mass += bySurprise[kept++][1];
    }
    return kept;
  }
}
