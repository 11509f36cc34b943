package io.github.ggml4j.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.ggml4j.testing.TestDevice;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@Tag(TestDevice.TAG)
class OpProfileTest {
  static List<TestDevice> devices() {
    return TestDevice.all();
  }

  @ParameterizedTest
  @MethodSource("devices")
  void nodesAreTimedAndResultsStay(TestDevice testDevice) {
    try (var device = testDevice.open();
        var graph = Graph.forward(device, 16)) {
      var x = graph.input(DType.F32, 2, 3);
      var y = graph.output(graph.scale(graph.add(graph.add(x, x), graph.reshape(x, 2, 3)), 2, 1));
      graph.build();
      x.setFloats(1, 2, 3, 4, 5, 6);
      graph.compute();
      var expected = y.toFloats();
      assertThat(expected).containsExactly(7, 13, 19, 25, 31, 37);
      var profile = new OpProfile();
      device.profile(profile);
      graph.compute();
      graph.compute();
      device.profile(null);
      graph.compute();
      assertThat(y.toFloats()).isEqualTo(expected);
      assertThat(profile.overhead()).isPositive();
      assertThat(profile.entries())
          .extracting(entry -> entry.op().name() + " " + entry.count())
          .containsExactlyInAnyOrder("ADD 4", "SCALE 2");
      assertThat(profile.entries())
          .isSortedAccordingTo((a, b) -> Double.compare(b.seconds(), a.seconds()));
    }
  }
}
