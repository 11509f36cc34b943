package io.github.ggml4j.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.ggml4j.Ggml4j;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Precisions have PyTorch's names; the default is full float32. */
class MatmulPrecisionTest {
  @AfterEach
  void reset() {
    MatmulPrecision.set(MatmulPrecision.HIGHEST);
  }

  @Test
  void highestIsTheDefault() {
    assertThat(Ggml4j.getFloat32MatmulPrecision()).isEqualTo("highest");
    Ggml4j.setFloat32MatmulPrecision("high");
    assertThat(MatmulPrecision.current()).isEqualTo(MatmulPrecision.HIGH);
    Ggml4j.setFloat32MatmulPrecision("highest");
    assertThat(MatmulPrecision.current()).isEqualTo(MatmulPrecision.HIGHEST);
  }

  @Test
  void unknownNamesAreErrors() {
    assertThatThrownBy(() -> Ggml4j.setFloat32MatmulPrecision("medium"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("precision is \"medium\", expected \"highest\" or \"high\"");
  }

  @Test
  void cpuGivesTheSameResultsWithBoth() {
    var exact = product();
    MatmulPrecision.set(MatmulPrecision.HIGH);
    assertThat(product()).containsExactly(exact);
  }

  private static float[] product() {
    try (var device = Device.cpu(1);
        var graph = Graph.forward(device, 8)) {
      var w = graph.input(DType.F32, 1, 2);
      var x = graph.input(DType.F32, 1, 2);
      var y = graph.output(graph.mulMat(w, x));
      graph.build();
      w.setFloats(1.00001f, 3);
      x.setFloats(1.00002f, 5);
      graph.compute();
      return y.toFloats();
    }
  }

  @Test
  void storesWithoutMemoryCanOnlyBeMeasured() {
    try (var device = Device.cpu(1);
        var store = new TensorStore(device, "weights", 2);
        var graph = Graph.forward(device, 8)) {
      var w = store.add(DType.F32, 100, 64);
      store.skipAllocation();
      var x = graph.input(DType.F32, 10, 64);
      graph.output(graph.mulMat(w, x));
      assertThat(store.measure()).isEqualTo(100 * 64 * 4);
      assertThat(graph.measure()).isBetween(10 * (64 + 100) * 4L, 10 * (64 + 100) * 4L + 256);
      assertThatThrownBy(w::toFloats).isInstanceOf(IllegalStateException.class);
      assertThatThrownBy(graph::build).hasMessageContaining("measured but not built");
    }
  }
}
