package io.github.ggml4j.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.ggml4j.Golden;
import io.github.ggml4j.error.InvalidArgumentException;
import io.github.ggml4j.format.safetensors.SafetensorsFile;
import io.github.ggml4j.tensor.DType;
import io.github.ggml4j.tensor.Graph;
import io.github.ggml4j.testing.TestDevice;
import java.util.Objects;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Activation functions and their derivatives against transformers' {@code ACT2FN}. */
@Tag(TestDevice.TAG)
class ActivationTest {
  private static final String FILE = "activations/activations.safetensors";
  private static final String GRADIENT = ".gradient";

  static Stream<Arguments> namesAndDevices() {
    return Activation.names().stream()
        .flatMap(name -> TestDevice.all().stream().map(device -> Arguments.of(name, device)));
  }

  @ParameterizedTest
  @MethodSource("namesAndDevices")
  void valuesAndDerivativesAreThoseOfTransformers(String name, TestDevice device) {
    try (var file = SafetensorsFile.open(Golden.path(FILE));
        var opened = device.open();
        var graph = Graph.differentiable(opened, 128)) {
      var values = Golden.floats(file, "x");
      var x = graph.input(DType.F32, 1, values.length);
      var tape = Objects.requireNonNull(graph.tape());
      tape.watch(x);
      var y = Activation.of(name).forward(graph, x);
      var dy = graph.input(DType.F32, y.shape());
      graph.output(y);
      tape.backward(y, dy);
      var dx = graph.output(Objects.requireNonNull(tape.gradient(x)));
      graph.build();
      x.setFloats(values);
      var ones = new float[values.length];
      java.util.Arrays.fill(ones, 1);
      dy.setFloats(ones);
      graph.compute();
      assertClose(y.toFloats(), Golden.floats(file, name), values, device);
      assertClose(dx.toFloats(), Golden.floats(file, name + GRADIENT), values, device);
    }
  }

  private static void assertClose(float[] actual, float[] expected, float[] x, TestDevice device) {
    assertThat(actual).hasSameSizeAs(expected);
    double bound = device.arithmetic().values(2e-6);
    for (int i = 0; i < actual.length; i++) {
      assertThat((double) actual[i])
          .as("at x = %s", x[i])
          .isCloseTo(expected[i], Offset.offset(bound * Math.max(1, Math.abs(expected[i]))));
    }
  }

  @Test
  void everyFunctionOfTransformersWithoutWeightsIsThere() {
    try (var file = SafetensorsFile.open(Golden.path(FILE))) {
      var names = new TreeSet<String>();
      for (var name : file.tensors().keySet()) {
        if (!name.equals("x") && !name.endsWith(GRADIENT)) {
          names.add(name);
        }
      }
      assertThat(Activation.names()).isEqualTo(names);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "prelu, 'because its slope is a trained weight'",
    "xielu, 'because its two factors are trained weights'",
    "gelu_newer, 'expected one of [gelu, gelu_10,'"
  })
  void othersAreRefusedByName(String name, String reason) {
    assertThatThrownBy(() -> Activation.of(name))
        .isInstanceOf(InvalidArgumentException.class)
        .hasMessageStartingWith("activation_function is " + name + ", expected one of [")
        .hasMessageContaining(reason);
  }
}
