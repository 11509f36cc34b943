package io.github.ggml4j.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Executors;
import java.util.function.BiConsumer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Misuse that would end the process in ggml is an exception. */
class MisuseTest {
  private static Device device;

  @BeforeAll
  static void open() {
    device = Device.cpu(1);
  }

  @AfterAll
  static void close() {
    device.close();
  }

  @Test
  void mappedMemoryIsReadOnly() {
    try (var arena = Arena.ofConfined();
        var store = new TensorStore(device, "a test", 3)) {
      var memory = arena.allocate(64, 64);
      memory.fill((byte) 1);
      var tensor = store.map(memory.asReadOnly(), DType.F32, 4, 4);
      var row = store.view(tensor, 4, 4);
      var own = store.add(DType.F32, 4, 4);
      store.allocate();
      assertThatThrownBy(() -> tensor.set(arena.allocate(64))).hasMessageContaining("read-only");
      assertThatThrownBy(() -> row.setFloats(1, 2, 3, 4)).hasMessageContaining("read-only");
      assertThatThrownBy(tensor::zero).hasMessageContaining("read-only");
      store.zero();
      assertThat(own.toFloats()).containsOnly(0);
      assertThat(memory.toArray(ValueLayout.JAVA_BYTE)).containsOnly(1);
      try (var graph = Graph.forward(device, 32)) {
        assertThatThrownBy(() -> graph.copyInto(own, tensor)).hasMessageContaining("read-only");
        assertThatThrownBy(() -> graph.addInPlace(tensor, own)).hasMessageContaining("read-only");
        assertThatThrownBy(() -> graph.copyInto(own, graph.reshape(tensor, 16)))
            .hasMessageContaining("read-only");
      }
    }
  }

  @Test
  void memoryOfAClosedArenaIsNotUsed() {
    try (var store = new TensorStore(device, "a test", 1);
        var graph = Graph.forward(device, 8)) {
      var arena = Arena.ofShared();
      var tensor = store.map(arena.allocate(16, 64), DType.F32, 4);
      var sum = graph.output(graph.add(tensor, tensor));
      graph.build().compute();
      arena.close();
      assertThatThrownBy(tensor::toFloats).hasMessageContaining("Already closed");
      assertThatThrownBy(graph::compute).hasMessageContaining("Already closed");
      assertThatThrownBy(sum::toFloats).hasMessageContaining("Already closed");
    }
  }

  @Test
  void aGraphOverAClosedStoreDoesNotRun() {
    try (var graph = Graph.forward(device, 8)) {
      var store = new TensorStore(device, "a test", 1);
      var tensor = store.add(DType.F32, 4);
      store.allocate();
      store.zero();
      var doubled = graph.output(graph.add(tensor, tensor));
      graph.build().compute();
      assertThat(doubled.toFloats()).containsOnly(0);
      store.close();
      assertThatThrownBy(graph::compute).hasMessage("Already closed: a test");
      assertThatThrownBy(tensor::toFloats).hasMessage("Already closed: a test");
    }
    try (var graph = Graph.forward(device, 8)) {
      var store = new TensorStore(device, "a test", 1);
      var tensor = store.add(DType.F32, 4);
      store.close();
      assertThatThrownBy(() -> graph.relu(tensor)).hasMessage("Already closed: a test");
    }
  }

  @Test
  void closingWaitsForARunningComputation() throws Exception {
    try (var threads = Executors.newFixedThreadPool(2)) {
      for (int round = 0; round < 30; round++) {
        var store = new TensorStore(device, "a test", 1);
        var weights = store.add(DType.F32, 512, 512);
        store.allocate();
        store.zero();
        var graph = Graph.forward(device, 64);
        var x = graph.input(DType.F32, 64, 512);
        for (int i = 0; i < 20; i++) {
          x = graph.mulMat(weights, x);
        }
        graph.output(x);
        graph.build();
        var running =
            threads.submit(() -> {
              try {
                while (true) {
                  graph.compute();
                }
              } catch (IllegalStateException e) {
                return e.getMessage();
              }
            });
        var closing =
            threads.submit(() -> {
              Thread.sleep(2);
              store.close();
              graph.close();
              store.close();
              return null;
            });
        closing.get();
        assertThat(running.get()).startsWith("Already closed");
      }
    }
  }

  @Test
  void storesHaveLimits() {
    try (var store = new TensorStore(device, "a test", 2)) {
      assertThatThrownBy(() -> store.add(DType.F32, 1L << 40, 1L << 40))
          .hasMessageContaining("elements");
      assertThatThrownBy(() -> store.add(DType.F32, 0)).hasMessageContaining("at least 1");
      assertThatThrownBy(() -> store.map(MemorySegment.ofArray(new float[4]), DType.F32, 4))
          .hasMessageContaining("heap");
    }
    try (var store = new TensorStore(device, "a test", 2)) {
      var first = store.add(DType.F32, 4);
      assertThatThrownBy(() -> store.view(first, 0, -2, -2)).hasMessageContaining("at least 1");
    }
    try (var store = new TensorStore(device, "a test", 2)) {
      store.add(DType.F32, 4);
      store.add(DType.F32, 4);
      assertThatThrownBy(() -> store.add(DType.F32, 4)).hasMessageContaining("full");
    }
  }

  @Test
  void tensorsOfAnotherGraphAreRefused() {
    try (var one = Graph.forward(device, 8);
        var other = Graph.forward(device, 8)) {
      var x = one.input(DType.F32, 4);
      assertThatThrownBy(() -> other.relu(x)).hasMessageContaining("another graph");
    }
  }

  @Test
  void closedDeviceIsAnError() {
    var closed = Device.cpu(1);
    closed.close();
    assertThatThrownBy(closed::freeMemory).hasMessageContaining("Already closed");
    assertThatThrownBy(() -> Device.open("nonesuch", 1)).hasMessageContaining("nonesuch");
  }

  /** Ops with unsupported tensors. */
  private static Map<String, BiConsumer<Graph, Bad>> ops() {
    var ops = new LinkedHashMap<String, BiConsumer<Graph, Bad>>();
    ops.put("add ints", (g, b) -> g.add(b.ints, b.ints));
    ops.put("add turned", (g, b) -> g.add(b.turned, b.turned));
    ops.put("mul halves", (g, b) -> g.mul(b.floats, b.halves));
    ops.put("add blocks", (g, b) -> g.add(b.blocks, b.blocks));
    ops.put("scale view", (g, b) -> g.scale(b.turned, 2, 0));
    ops.put("sigmoid ints", (g, b) -> g.sigmoid(b.ints));
    ops.put("exp turned", (g, b) -> g.exp(b.turned));
    ops.put("log blocks", (g, b) -> g.log(b.blocks));
    ops.put("clamp ints", (g, b) -> g.clamp(b.ints, 0, 1));
    ops.put("sum ints", (g, b) -> g.sumRows(b.ints));
    ops.put("mean halves", (g, b) -> g.mean(b.halves));
    ops.put("repeat back ints", (g, b) -> g.repeatBack(b.ints, b.ints));
    ops.put("norm halves", (g, b) -> g.norm(b.halves, 1e-5f));
    ops.put("norm eps", (g, b) -> g.norm(b.floats, -1));
    ops.put("rms norm back", (g, b) -> g.rmsNormBack(b.floats, b.halves, 1e-5f));
    ops.put("mul mat of ints", (g, b) -> g.mulMat(b.ints, b.floats));
    ops.put("mul mat with halves", (g, b) -> g.mulMat(b.floats, b.halves));
    ops.put("mul mat of turned", (g, b) -> g.mulMat(b.turned, b.floats));
    ops.put("out prod of halves", (g, b) -> g.outProd(b.halves, b.floats));
    ops.put("soft max of turned", (g, b) -> g.softMax(b.turned, null, 1));
    ops.put("soft max mask of ints", (g, b) -> g.softMax(b.floats, b.ints, 1));
    ops.put("soft max back", (g, b) -> g.softMaxBack(b.floats, b.halves, 1));
    ops.put("rows of ints", (g, b) -> g.getRows(b.ints, b.index));
    ops.put("rows back of halves", (g, b) -> g.getRowsBack(b.halves, b.index, b.floats));
    ops.put("set rows of halves", (g, b) -> g.setRows(b.floats, b.halves, b.longs));
    ops.put("copy ints to halves", (g, b) -> g.copyInto(b.ints, b.halves));
    ops.put("copy blocks to halves", (g, b) -> g.copyInto(b.blocks, b.halves));
    ops.put("concat types", (g, b) -> g.concatColumns(b.floats, b.halves));
    ops.put("reshape negative", (g, b) -> g.reshape(b.floats, -32, -32));
    ops.put("reshape nothing", (g, b) -> g.reshape(b.floats));
    ops.put("split blocks", (g, b) -> g.reshape(b.blocks, 64, 16));
    ops.put("heads outside", (g, b) -> g.heads(b.floats, -1, 1, 8, 1));
    ops.put("heads of none", (g, b) -> g.heads(b.floats, 0, 0, 8, 1));
    ops.put("adam on ints", (g, b) -> g.adamW(b.ints, b.ints, b.ints, b.ints, b.seven));
    return ops;
  }

  private static final class Bad {
    final Tensor floats;
    final Tensor halves;
    final Tensor ints;
    final Tensor blocks;
    final Tensor turned;
    final Tensor index;
    final Tensor longs;
    final Tensor seven;

    Bad(Graph graph) {
      floats = graph.input(DType.F32, 32, 32);
      halves = graph.input(DType.F16, 32, 32);
      ints = graph.input(DType.I32, 32, 32);
      blocks = graph.input(DType.Q8_0, 32, 32);
      turned = graph.transpose(floats);
      index = graph.input(DType.I32, 32);
      longs = graph.input(DType.I64, 32);
      seven = graph.input(DType.F32, 7);
    }
  }

  @ParameterizedTest
  @MethodSource("opNames")
  void wrongTypesAndViewsAreRefused(String name) {
    try (var graph = Graph.forward(device, 64)) {
      var bad = new Bad(graph);
      var op = Objects.requireNonNull(ops().get(name));
      assertThatThrownBy(() -> op.accept(graph, bad)).isInstanceOf(IllegalArgumentException.class);
    }
  }

  static Iterable<String> opNames() {
    return ops().keySet();
  }
}
