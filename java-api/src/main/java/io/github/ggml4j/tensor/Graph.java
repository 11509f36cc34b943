package io.github.ggml4j.tensor;

import static io.github.ggml4j.tensor.OpChecks.ggmlOrder;

import io.github.ggml4j.bindings.ffi.Ggml;
import io.github.ggml4j.bindings.ffi.ggml4j_params;
import io.github.ggml4j.tensor.Nodes.KernelCall;
import io.github.ggml4j.tensor.internal.Kernel;
import io.github.ggml4j.tensor.internal.KernelParams;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A computation on a {@link Device}. Its methods add nodes in the order in which they run; {@link
 * #build} then allocates memory, and {@link #compute} runs the nodes as often as wanted, with new
 * inputs each time.
 *
 * <p>Nodes run strictly in the order in which they were added. An op that changes a tensor of a
 * {@link TensorStore} in place is seen by all later nodes and by no earlier one.
 *
 * <p>Every method checks shapes and types before ggml sees them, and throws {@link
 * IllegalArgumentException} with both shapes. A graph is built by one thread.
 *
 * <p><b>Memory management.</b> Owns its inputs and intermediate results. Uses tensors of stores,
 * and throws once one of these is closed. The memory of a result is used again after its last
 * reader has run; {@link #output} keeps a result readable after the computation.
 */
public final class Graph extends StockOps implements AutoCloseable, TensorOwner {
  /** Tensors in ggml's context that are not nodes. */
  private static final int MARGIN = 2;

  private final Device device;
  private final @Nullable Tape tape;

  /** Holds the parameters of kernels. */
  private final Arena arena = Arena.ofShared();

  private final MemorySegment context;
  private final MemorySegment graph;
  private final Nodes nodes;
  private final GraphMemory memory;
  private final Map<Class<?>, Object> attachments = new HashMap<>();

  /** Stores whose tensors are used: they must be open when the graph runs. */
  private final Set<TensorOwner> stores = new LinkedHashSet<>();

  private boolean built;
  private volatile boolean closed;

  private Graph(Device device, int maxNodes, boolean differentiable) {
    this.device = device;
    this.context =
        TensorStore.newContext(
            maxNodes * Ggml.ggml_tensor_overhead()
                + Ggml.ggml_graph_overhead_custom(maxNodes, false));
    this.graph = Ggml.ggml_new_graph_custom(context, maxNodes, false);
    this.nodes = new Nodes(this, graph, maxNodes - MARGIN);
    this.memory = new GraphMemory(device, graph);
    this.tape = differentiable ? new Tape(this) : null;
  }

  /** A graph without gradients, for at most {@code maxNodes} nodes and views. */
  public static Graph forward(Device device, int maxNodes) {
    return new Graph(device, maxNodes, false);
  }

  /** A graph that records how to differentiate itself. */
  public static Graph differentiable(Device device, int maxNodes) {
    return new Graph(device, maxNodes, true);
  }

  @Override
  public Device device() {
    return device;
  }

  @Override
  public @Nullable Tape tape() {
    return tape;
  }

  // --- inputs and outputs

  /**
   * Adds an input, to be set before a computation. It keeps its elements until they are replaced.
   */
  public Tensor input(DType type, long... shape) {
    checkBuilding();
    return memory.addInput(this, type, shape);
  }

  /**
   * An input whose elements do not change: {@link #build} writes them once.
   *
   * @param values in row-major order
   */
  @Override
  public Tensor constant(float[] values, long... shape) {
    checkBuilding();
    return memory.addConstant(this, values, shape);
  }

  /** Keeps the elements of {@code x} readable after the computation; returns {@code x}. */
  public Tensor output(Tensor x) {
    checkBuilding();
    Ggml.ggml_set_output(use(x));
    return x;
  }

  /**
   * An object that belongs to this graph: the one of an earlier call with the same class, or a new
   * one. It lives as long as the graph. Layers of {@code nn} keep here what they have to know about
   * nodes that were added before.
   */
  public <T> T attachment(Class<T> type, Supplier<T> create) {
    return type.cast(attachments.computeIfAbsent(type, _ -> create.get()));
  }

  // --- ggml4j's own kernels

  /** Whether one of ggml4j's own kernels can be used; see {@link Device#has}. */
  public boolean has(Kernel kernel) {
    return device.has(kernel);
  }

  /**
   * Adds one call of a kernel of libggml4j as a node; {@code native/src/ggml4j.h} states its
   * inputs.
   *
   * @param shape of the result, F32
   */
  public Tensor kernel(Kernel kernel, KernelParams params, long[] shape, Tensor... sources) {
    if (!has(kernel)) {
      throw new IllegalStateException("Kernel " + kernel + " does not run on " + device);
    }
    if (sources.length >= Nodes.MAX_SOURCES) {
      throw new IllegalArgumentException(
          "Kernel "
              + kernel
              + " has "
              + sources.length
              + " inputs, expected at most "
              + (Nodes.MAX_SOURCES - 1));
    }
    for (var source : sources) {
      if (!source.contiguous()) {
        throw new IllegalArgumentException(
            "Kernel " + kernel + " needs contiguous inputs, not " + source);
      }
    }
    var ne = ggmlOrder(shape);
    var parameters = params.allocate(arena);
    try (var scratch = Arena.ofConfined()) {
      var pointers = scratch.allocate(ValueLayout.ADDRESS, sources.length);
      for (int i = 0; i < sources.length; i++) {
        pointers.setAtIndex(ValueLayout.ADDRESS, i, use(sources[i]));
      }
      var node =
          Ggml.ggml_custom_4d(
              context,
              DType.F32.ggmlId(),
              ne[0],
              ne[1],
              ne[2],
              ne[3],
              pointers,
              sources.length,
              device.address(kernel),
              Ggml.GGML_N_TASKS_MAX(),
              parameters);
      nodes.addCall(node, new KernelCall(kernel, parameters));
      return append(node, false);
    }
  }

  /** Adds a kernel that changes some of its sources in place and has no result. */
  public void kernelInPlace(Kernel kernel, KernelParams params, Tensor... sources) {
    kernel(kernel, params, new long[] {1}, sources);
  }

  /**
   * Lets the kernel of an earlier node prefetch weights that a later node reads.
   *
   * @param node a result of {@link #kernel}
   */
  public void prefetch(Tensor node, Tensor weights) {
    var call = nodes.call(node.handle());
    if (call == null) {
      throw new IllegalArgumentException(node + " is not the result of a kernel of this graph");
    }
    ggml4j_params.next_weight(call.parameters(), use(weights));
  }

  // --- building and running

  /**
   * Ends the adding of nodes and allocates memory.
   *
   * @throws IllegalStateException if the device cannot compute one of the nodes
   * @throws OutOfDeviceMemoryException if the device does not have enough memory
   */
  public Graph build() {
    checkBuilding();
    for (var store : stores) {
      if (store instanceof TensorStore measured && measured.isWithoutMemory()) {
        throw new IllegalStateException(
            "A graph over a store without memory can be measured but not built");
      }
    }
    checkSupported();
    device.built(this);
    memory.allocate(nodes);
    built = true;
    memory.writeConstants();
    return this;
  }

  /**
   * Adds nodes and builds the graph. Closes it if either fails.
   *
   * @param addNodes adds the nodes to this graph; returns its inputs and outputs
   * @return the result of {@code addNodes}
   * @throws IllegalStateException as {@link #build()}
   * @throws OutOfDeviceMemoryException as {@link #build()}
   */
  public <T> T build(Function<Graph, T> addNodes) {
    try {
      var result = addNodes.apply(this);
      build();
      return result;
    } catch (RuntimeException | Error e) {
      close();
      throw e;
    }
  }

  private void checkSupported() {
    if (device.fused()) {
      return; // the CPU computes all of ggml's ops
    }
    var refused = nodes.ops(node -> !device.supports(node));
    if (!refused.isEmpty()) {
      throw new IllegalStateException(
          "Device "
              + device
              + " cannot compute "
              + refused.getFirst()
              + ". Use the device cpu, or weights of another type.");
    }
  }

  /**
   * Runs all nodes and waits for them. Thread-safe: computations of several threads take turns.
   *
   * @throws IllegalStateException if the graph is not built, or it, its device or a store that it
   *     uses is closed
   */
  public void compute() {
    if (!built) {
      throw new IllegalStateException("The graph is not built yet: call build() first");
    }
    var profile = device.profile();
    if (profile == null) {
      device.compute(graph, this::checkOpen);
    } else {
      profile.compute(device, nodes, this::checkOpen);
    }
  }

  // --- nodes and memory

  /** The nodes that compute something, in the order in which they run. */
  public List<GraphOp> ops() {
    checkOpen();
    return nodes.ops(_ -> true);
  }

  /**
   * The nodes that a device says it cannot compute; it need not be this graph's device.
   *
   * @param other one of {@link Device#list}
   */
  public List<GraphOp> unsupportedBy(DeviceInfo other) {
    checkOpen();
    return nodes.ops(node -> !Device.supports(other, node));
  }

  /** Bytes allocated for inputs and intermediate results; 0 until the graph is built. */
  public long bytes() {
    checkOpen();
    return built ? memory.bytes() : 0;
  }

  /** Bytes that {@link #build} allocates, without allocating them. */
  public long measure() {
    checkOpen();
    return built ? memory.bytes() : memory.measure();
  }

  // --- for the ops

  @Override
  MemorySegment context() {
    return context;
  }

  @Override
  Tensor append(MemorySegment node, boolean readOnly) {
    if (node.equals(MemorySegment.NULL)) {
      throw new IllegalStateException("ggml made no node");
    }
    var tensor = Tensor.wrap(this, node, readOnly);
    nodes.add(node);
    return tensor;
  }

  /**
   * Checks that this graph can read a tensor; returns it for ggml.
   *
   * @throws IllegalArgumentException if it belongs to another graph, or its memory is on a device
   *     that does not share its memory with this one
   * @throws IllegalStateException if its memory is closed, or this graph is closed or built
   */
  @Override
  MemorySegment use(Tensor x) {
    checkBuilding();
    var owner = x.owner();
    if (owner == this) {
      return x.handle();
    }
    if (!(owner instanceof TensorStore)) {
      throw new IllegalArgumentException(x + " belongs to another graph");
    }
    owner.checkOpen();
    var other = owner.device();
    if (other != device && !(other.sharesHostMemory() && device.sharesHostMemory())) {
      throw new IllegalArgumentException(x + " is on " + other + ", this graph on " + device);
    }
    stores.add(owner);
    return x.handle();
  }

  // --- lifecycle

  private void checkBuilding() {
    checkNotClosed();
    if (built) {
      throw new IllegalStateException("The graph is already built, no node can be added");
    }
  }

  private void checkNotClosed() {
    if (closed) {
      throw new IllegalStateException("Already closed: graph");
    }
  }

  @Override
  public void checkOpen() {
    checkNotClosed();
    stores.forEach(TensorOwner::checkOpen);
  }

  /** Waits for a running computation, then frees the memory. */
  @Override
  public void close() {
    device.betweenComputations(() -> {
      if (!closed) {
        closed = true;
        memory.free();
        Ggml.ggml_free(context);
        arena.close();
      }
    });
  }
}
