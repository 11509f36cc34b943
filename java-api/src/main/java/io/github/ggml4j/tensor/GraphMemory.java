package io.github.ggml4j.tensor;

import io.github.ggml4j.bindings.ffi.Ggml;
import io.github.ggml4j.bindings.ffi.ggml_tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The memory of a {@link Graph}: a buffer for its inputs, and one for intermediate results, whose
 * layout ggml's allocator works out. Inputs have a buffer of their own, since the allocator would
 * use the memory of an input again after its last reader.
 */
final class GraphMemory {
  private static final int MAX_INPUTS = 1024;

  private final Device device;
  private final MemorySegment graph;
  private final MemorySegment inputContext =
      TensorStore.newContext(MAX_INPUTS * Ggml.ggml_tensor_overhead());
  private final List<Tensor> inputs = new ArrayList<>();

  /** Elements that are written when memory is allocated. */
  private final Map<Tensor, float[]> constants = new LinkedHashMap<>();

  private MemorySegment inputBuffer = MemorySegment.NULL;
  private MemorySegment intermediateBuffer = MemorySegment.NULL;
  private MemorySegment allocator = MemorySegment.NULL;

  /**
   * No memory yet.
   *
   * @param graph ggml's graph
   */
  GraphMemory(Device device, MemorySegment graph) {
    this.device = device;
    this.graph = graph;
  }

  Tensor addInput(TensorOwner owner, DType type, long... shape) {
    if (inputs.size() == MAX_INPUTS) {
      throw new IllegalStateException("A graph has at most " + MAX_INPUTS + " inputs");
    }
    var input = Tensor.wrap(owner, TensorStore.newTensor(inputContext, type, shape));
    inputs.add(input);
    return input;
  }

  Tensor addConstant(TensorOwner owner, float[] values, long... shape) {
    var constant = addInput(owner, DType.F32, shape);
    if (constant.elements() != values.length) {
      throw new IllegalArgumentException(
          "A constant " + constant + " has " + values.length + " values");
    }
    constants.put(constant, values);
    return constant;
  }

  /**
   * Allocates both buffers.
   *
   * @throws OutOfDeviceMemoryException if the device does not have enough
   */
  void allocate(Nodes nodes) {
    var what = "the inputs and intermediate results of " + nodes.size() + " nodes";
    if (!inputs.isEmpty()) {
      inputBuffer = Ggml.ggml_backend_alloc_ctx_tensors(inputContext, device.backend());
    }
    allocator = Ggml.ggml_gallocr_new(device.bufferType());
    boolean done =
        (inputs.isEmpty() || !inputBuffer.equals(MemorySegment.NULL))
            && Ggml.ggml_gallocr_alloc_graph(allocator, graph);
    if (!done) {
      device.checkBackend();
      throw OutOfDeviceMemoryException.of(what, device, measure());
    }
    device.checkFree(what, bytes());
    intermediateBuffer = intermediateBuffer(nodes);
    device.allocated(intermediateBuffer);
    device.allocated(inputBuffer);
  }

  /** The allocator's buffer: that of the first node that has memory of its own. */
  private static MemorySegment intermediateBuffer(Nodes nodes) {
    return nodes.all().stream()
        .filter(node -> ggml_tensor.view_src(node).equals(MemorySegment.NULL))
        .findFirst()
        .map(ggml_tensor::buffer)
        .orElse(MemorySegment.NULL);
  }

  void writeConstants() {
    constants.forEach(Tensor::setFloats);
    constants.clear();
  }

  /** Bytes of both buffers. */
  long bytes() {
    long inputBytes = inputs.isEmpty() ? 0 : Ggml.ggml_backend_buffer_get_size(inputBuffer);
    return inputBytes + Ggml.ggml_gallocr_get_buffer_size(allocator, 0);
  }

  /** Bytes that {@link #allocate} takes, without taking them. */
  long measure() {
    return TensorStore.allocationBytes(inputContext, device) + measureIntermediate();
  }

  /** ggml's allocator would also allocate inputs that have no memory yet. */
  private long measureIntermediate() {
    var pending =
        inputs.stream()
            .filter(input -> ggml_tensor.data(input.handle()).equals(MemorySegment.NULL))
            .toList();
    pending.forEach(input -> ggml_tensor.data(input.handle(), TensorStore.NO_MEMORY));
    var measuring = Ggml.ggml_gallocr_new(device.bufferType());
    try (var scratch = Arena.ofConfined()) {
      var size = scratch.allocate(ValueLayout.JAVA_LONG);
      Ggml.ggml_gallocr_reserve_n_size(
          measuring, graph, MemorySegment.NULL, MemorySegment.NULL, size);
      return size.get(ValueLayout.JAVA_LONG, 0);
    } finally {
      Ggml.ggml_gallocr_free(measuring);
      pending.forEach(input -> ggml_tensor.data(input.handle(), MemorySegment.NULL));
    }
  }

  void free() {
    device.freeing(intermediateBuffer);
    device.freeing(inputBuffer);
    if (!allocator.equals(MemorySegment.NULL)) {
      Ggml.ggml_gallocr_free(allocator);
    }
    if (!inputBuffer.equals(MemorySegment.NULL)) {
      Ggml.ggml_backend_buffer_free(inputBuffer);
    }
    Ggml.ggml_free(inputContext);
  }
}
