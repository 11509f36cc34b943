package io.github.ggml4j.nn;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.ggml4j.tensor.DType;
import io.github.ggml4j.tensor.Device;
import io.github.ggml4j.tensor.Graph;
import io.github.ggml4j.tensor.Parameter;
import io.github.ggml4j.testing.TestDevice;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Compares the fused kernels of every differentiable op with finite differences, and the results of
 * other devices, such as the composition of ggml's stock ops, with the fused kernels.
 */
@Tag(TestDevice.TAG)
class OpsTest {
  private static final Map<TestDevice, Device> DEVICES = new LinkedHashMap<>();
  private static Device fused;

  @BeforeAll
  static void open() {
    fused = Device.cpu(2);
    TestDevice.all().forEach(device -> DEVICES.put(device, device.open(2)));
  }

  @AfterAll
  static void close() {
    fused.close();
    DEVICES.values().forEach(Device::close);
    DEVICES.clear();
  }

  private static Device opened(TestDevice device) {
    return Objects.requireNonNull(DEVICES.get(device));
  }

  static List<TestDevice> devices() {
    return TestDevice.all();
  }

  static Stream<Arguments> casesAndDevices() {
    return cases().stream().flatMap(c -> devices().stream().map(device -> Arguments.of(c, device)));
  }

  static Stream<Arguments> activationsAndDevices() {
    return Arrays.stream(Activation.values())
        .flatMap(activation -> devices().stream().map(device -> Arguments.of(activation, device)));
  }

  static Stream<Arguments> tokensAndDevices() {
    return Stream.of(3, 300)
        .flatMap(tokens -> devices().stream().map(device -> Arguments.of(tokens, device)));
  }

  /** One op with shapes. */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  record Case(
      String name,
      GradientCheck.Op op,
      List<Consumer<Graph>> prepare,
      long[] x,
      long[]... parameters) {
    GradientCheck check() {
      return new GradientCheck(
          7, op, graph -> prepare.forEach(p -> p.accept(graph)), x, parameters);
    }

    @Override
    public String toString() {
      return name;
    }
  }

  static List<Case> cases() {
    var cases = new ArrayList<Case>();
    for (long tokens : new long[] {1, 5, 33}) {
      cases.add(
          new Case(
              "linear " + tokens,
              (g, x, p) -> new Linear(p.get(0), p.get(1)).forward(g, x),
              List.of(),
              new long[] {tokens, 20},
              new long[] {37, 20},
              new long[] {37}));
    }
    cases.add(
        new Case(
            "linear without bias, wide",
            (g, x, p) -> new Linear(p.get(0), null).forward(g, x),
            List.of(),
            new long[] {40, 16},
            new long[] {9, 16}));
    cases.add(
        new Case(
            "linear with residual",
            (g, x, p) -> new Linear(p.get(0), p.get(1)).forward(g, x, x),
            List.of(),
            new long[] {6, 24},
            new long[] {24, 24},
            new long[] {24}));
    cases.add(
        new Case(
            "layer norm",
            (g, x, p) -> new LayerNorm(p.get(0), p.get(1), 1e-5f).forward(g, x),
            List.of(),
            new long[] {7, 19},
            new long[] {19},
            new long[] {19}));
    cases.add(
        new Case(
            "residual sum",
            (g, x, p) -> g.add(x, new LayerNorm(p.get(0), p.get(1), 1e-3f).forward(g, x)),
            List.of(),
            new long[] {3, 16},
            new long[] {16},
            new long[] {16}));
    for (float dropout : new float[] {0, 0.25f}) {
      cases.add(attention(dropout));
    }
    cases.add(dropout());
    return cases;
  }

  private static Case attention(float p) {
    var prepare = new ArrayList<Consumer<Graph>>();
    GradientCheck.Op op =
        (g, x, parameters) -> {
          prepare.clear();
          var dropout = new Dropout(g);
          prepare.add(graph -> dropout.seed(0x1234_5678_9ABC_DEFL));
          return CausalAttention.of(g, 2, 9).forward(x, 3, 0.4f, dropout, p);
        };
    return new Case("attention, dropout " + p, op, prepare, new long[] {18, 3 * 3 * 5});
  }

  private static Case dropout() {
    var prepare = new ArrayList<Consumer<Graph>>();
    GradientCheck.Op op =
        (g, x, parameters) -> {
          prepare.clear();
          var dropout = new Dropout(g);
          prepare.add(graph -> dropout.seed(42));
          return dropout.forward(dropout.forward(x, 0.3f), 0.1f, x);
        };
    return new Case("dropout", op, prepare, new long[] {11, 13});
  }

  @ParameterizedTest
  @MethodSource("casesAndDevices")
  void devicesAgreeWithTheKernels(Case c, TestDevice device) {
    var check = c.check();
    compare(check.run(opened(device)), check.run(fused), device);
  }

  @ParameterizedTest
  @MethodSource("activationsAndDevices")
  void activationsAgreeWithTheKernels(Activation activation, TestDevice device) {
    var check = activation(activation);
    compare(check.run(opened(device)), check.run(fused), device);
  }

  @ParameterizedTest
  @EnumSource(Activation.class)
  void gradientsOfActivationsAgreeWithFiniteDifferences(Activation activation) {
    differences(activation(activation));
  }

  private static GradientCheck activation(Activation activation) {
    return new GradientCheck(
        3, (g, x, p) -> activation.forward(g, x), g -> {}, new long[] {13, 17});
  }

  private static void compare(
      GradientCheck.Outcome actual, GradientCheck.Outcome expected, TestDevice device) {
    close(actual.result(), expected.result(), device.arithmetic().values(2e-5));
    for (int i = 0; i < actual.gradients().size(); i++) {
      close(
          actual.gradients().get(i),
          expected.gradients().get(i),
          device.arithmetic().gradients(2e-5));
    }
  }

  /** The tolerance is relative to the largest value. */
  private static void close(float[] actual, float[] expected, double tolerance) {
    assertThat(actual).hasSameSizeAs(expected);
    double scale = 1e-6;
    for (float value : expected) {
      scale = Math.max(scale, Math.abs(value));
    }
    for (int i = 0; i < actual.length; i++) {
      assertThat((double) actual[i])
          .as("element %d", i)
          .isCloseTo(expected[i], org.assertj.core.data.Offset.offset(tolerance * scale));
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void gradientsAgreeWithFiniteDifferences(Case c) {
    differences(c.check());
  }

  private static void differences(GradientCheck check) {
    var outcome = check.run(fused);
    var random = new Random(5);
    for (int tensor = 0; tensor < outcome.gradients().size(); tensor++) {
      var gradient = outcome.gradients().get(tensor);
      double scale = 0.05;
      for (float g : gradient) {
        scale = Math.max(scale, Math.abs(g));
      }
      for (int k = 0; k < 12; k++) {
        int element = random.nextInt(gradient.length);
        double expected = check.difference(fused, tensor, element, 5e-3f);
        assertThat((double) gradient[element])
            .as("tensor %d element %d", tensor, element)
            .isCloseTo(expected, org.assertj.core.data.Offset.offset(3e-3 * scale));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("tokensAndDevices")
  void crossEntropyAndEmbedding(int tokens, TestDevice device) {
    int vocab = 61;
    int embd = 12;
    var random = new Random(tokens);
    var labels = random.ints(tokens, 0, vocab).toArray();
    labels[1] = CrossEntropy.IGNORE_INDEX;
    var ids = random.ints(tokens, 0, vocab).toArray();
    var expected = lossAndGradients(fused, tokens, vocab, embd, labels, ids);
    var actual = lossAndGradients(opened(device), tokens, vocab, embd, labels, ids);
    for (int i = 0; i < expected.size(); i++) {
      close(actual.get(i), expected.get(i), device.arithmetic().gradients(2e-5));
    }
    assertThat(actual.get(0)[1]).isZero();
  }

  private static List<float[]> lossAndGradients(
      Device device, int tokens, int vocab, int embd, int[] labels, int[] ids) {
    try (var store = new io.github.ggml4j.tensor.TensorStore(device, "test", 8);
        var graph = Graph.differentiable(device, 512)) {
      var wte =
          new Parameter(
              "wte", store.add(DType.F32, vocab, embd), store.add(DType.F32, vocab, embd));
      var wpe = new Parameter("wpe", store.add(DType.F32, 5, embd), store.add(DType.F32, 5, embd));
      store.allocate();
      store.zero();
      wte.value().setFloats(gaussians(1, vocab * embd));
      wpe.value().setFloats(gaussians(2, 5 * embd));
      var batch = TokenBatch.of(graph, tokens);
      var x = new Embedding(wte, wpe).forward(graph, batch);
      var loss = new CrossEntropy(graph, x, wte);
      var tape = graph.tape();
      if (tape == null) {
        throw new AssertionError("no tape");
      }
      tape.backward(loss.root(), loss.root());
      graph.build();
      var p = new int[tokens];
      java.util.Arrays.setAll(p, i -> i % 5);
      batch.set(ids, p);
      loss.labels(labels, 1f / tokens);
      graph.compute();
      return List.of(
          loss.losses(),
          GradientCheck.gradient(wte).toFloats(),
          GradientCheck.gradient(wpe).toFloats());
    }
  }

  private static float[] gaussians(long seed, int n) {
    var random = new Random(seed);
    var values = new float[n];
    for (int i = 0; i < n; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }
}
