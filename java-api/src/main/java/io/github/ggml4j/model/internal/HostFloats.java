package io.github.ggml4j.model.internal;

import io.github.ggml4j.tensor.DType;
import io.github.ggml4j.tensor.Device;
import io.github.ggml4j.tensor.Graph;
import io.github.ggml4j.tensor.Tensor;
import io.github.ggml4j.tensor.TensorStore;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Converts quantized weights of a GPU to F32 on the CPU, since GPUs convert few types. */
public final class HostFloats {
  private HostFloats() {}

  /**
   * Reads a tensor.
   *
   * @param target receives all elements as F32; native memory
   */
  public static void of(Tensor tensor, MemorySegment target) {
    try (var arena = Arena.ofShared();
        var cpu = Device.cpu(1);
        var store = new TensorStore(cpu, "weights to convert", 2);
        var graph = Graph.forward(cpu, 8)) {
      var bytes = arena.allocate(tensor.bytes(), 64);
      tensor.get(bytes, 0, bytes.byteSize());
      var from = store.map(bytes, tensor.type(), tensor.shape());
      var to = store.map(target.asSlice(0, 4 * tensor.elements()), DType.F32, tensor.shape());
      graph.copyInto(from, to);
      graph.build().compute();
    }
  }
}
