package io.github.ggml4j.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.ggml4j.tensor.DType;
import io.github.ggml4j.tensor.Graph;
import io.github.ggml4j.testing.TestDevice;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The dropped elements are random, have the requested share in all rows and columns, and depend on
 * the seed.
 */
@Tag(TestDevice.TAG)
class DropoutStatisticsTest {
  private static final int ROWS = 400;
  private static final int COLUMNS = 250;
  private static final int N = ROWS * COLUMNS;

  static Stream<Arguments> probabilitiesAndDevices() {
    return Stream.of(0.1f, 0.5f)
        .flatMap(p -> TestDevice.all().stream().map(device -> Arguments.of(p, device)));
  }

  @ParameterizedTest
  @MethodSource("probabilitiesAndDevices")
  void droppedElementsAreRandom(float p, TestDevice device) {
    try (var opened = device.open();
        var graph = Graph.forward(opened, 64)) {
      var x = graph.input(DType.F32, ROWS, COLUMNS);
      var dropout = new Dropout(graph);
      var first = graph.output(dropout.forward(x, p));
      var second = graph.output(dropout.forward(x, p));
      graph.build();
      var ones = new float[N];
      Arrays.fill(ones, 1);
      x.setFloats(ones);
      dropout.seed(7);
      graph.compute();
      var a = first.toFloats();
      var b = second.toFloats();
      check(a, p);
      check(b, p);
      independent(a, b, p);
      graph.compute();
      assertThat(first.toFloats()).isEqualTo(a);
      dropout.seed(8);
      graph.compute();
      var other = first.toFloats();
      check(other, p);
      independent(a, other, p);
    }
  }

  private static void check(float[] values, float p) {
    var rows = new int[ROWS];
    var columns = new int[COLUMNS];
    int dropped = 0;
    for (int i = 0; i < N; i++) {
      if (values[i] == 0) {
        dropped++;
        rows[i / COLUMNS]++;
        columns[i % COLUMNS]++;
      } else {
        assertThat(values[i]).isCloseTo(1 / (1 - p), within(1e-5f));
      }
    }
    near(dropped, N, p);
    // Chi-squared over rows and columns: its standard deviation is the root of twice its mean.
    assertThat(chiSquared(rows, COLUMNS, p)).isCloseTo(ROWS, within(5 * Math.sqrt(2.0 * ROWS)));
    assertThat(chiSquared(columns, ROWS, p))
        .isCloseTo(COLUMNS, within(5 * Math.sqrt(2.0 * COLUMNS)));
    int pairs = 0;
    for (int i = 0; i + 1 < N; i++) {
      pairs += values[i] == 0 && values[i + 1] == 0 ? 1 : 0;
    }
    near(pairs, N, p * p);
  }

  private static void independent(float[] a, float[] b, float p) {
    int both = 0;
    for (int i = 0; i < N; i++) {
      both += a[i] == 0 && b[i] == 0 ? 1 : 0;
    }
    near(both, N, p * p);
  }

  /** Within 5 standard deviations of a binomial distribution. */
  private static void near(int count, int n, double p) {
    assertThat((double) count).isCloseTo(n * p, within(5 * Math.sqrt(n * p * (1 - p))));
  }

  private static double chiSquared(int[] counts, int n, double p) {
    double sum = 0;
    for (int count : counts) {
      sum += Math.pow(count - n * p, 2) / (n * p * (1 - p));
    }
    return sum;
  }
}
