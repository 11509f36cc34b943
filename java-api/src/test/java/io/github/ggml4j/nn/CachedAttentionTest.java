package io.github.ggml4j.nn;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.ggml4j.error.InvalidArgumentException;
import io.github.ggml4j.tensor.DType;
import io.github.ggml4j.tensor.Device;
import io.github.ggml4j.tensor.Graph;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CachedAttentionTest {
  private static final int WIDTH = 4;

  private static void set(int row) {
    try (var device = Device.open("cpu-stock", 1);
        var graph = Graph.forward(device, 64)) {
      var table = graph.input(DType.I32, 1, 8);
      var attention = CachedAttention.of(graph, 2, table, new CacheAccess.FirstRows(3));
      var keys = graph.input(DType.F32, 8, WIDTH);
      var values = graph.input(DType.F32, 8, WIDTH);
      var qkv = graph.input(DType.F32, 2, 3 * WIDTH);
      graph.output(attention.forward(qkv, 1, 1, keys, values));
      graph.build();

      attention.set(
          new int[] {1, 2},
          new int[] {0, 0},
          new int[] {1, 2},
          (sequence, position) -> position == 2 ? row : position);
    }
  }

  @Test
  void acceptsRowsWithinTheMask() {
    set(2);
  }

  @ParameterizedTest
  @ValueSource(ints = {-1, 3, 7})
  void refusesRowsOutsideTheMask(int row) {
    assertThatThrownBy(() -> set(row))
        .isInstanceOf(InvalidArgumentException.class)
        .hasMessage("table.row(0, 2) is " + row + ", expected 0 to 2");
  }
}
