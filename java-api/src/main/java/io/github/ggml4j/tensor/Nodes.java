package io.github.ggml4j.tensor;

import io.github.ggml4j.bindings.ffi.Ggml;
import io.github.ggml4j.bindings.ffi.ggml_tensor;
import io.github.ggml4j.tensor.internal.Kernel;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** The nodes of a {@link Graph}, in the order in which they run. */
final class Nodes {
  /** ggml's {@code GGML_MAX_SRC}. */
  static final int MAX_SOURCES = 10;

  /** Nodes that only describe memory of others and compute nothing. */
  private static final Set<String> VIEWS =
      Set.of("NONE", "RESHAPE", "VIEW", "PERMUTE", "TRANSPOSE");

  /** A call of a kernel and its {@code ggml4j_params}. */
  record KernelCall(Kernel kernel, MemorySegment parameters) {}

  private final TensorOwner owner;
  private final MemorySegment graph;
  private final int capacity;
  private int size;

  /** The calls of kernels by the address of their node. */
  private final Map<Long, KernelCall> kernels = new HashMap<>();

  /**
   * No nodes yet.
   *
   * @param owner of the tensors of the nodes
   * @param graph ggml's graph
   * @param capacity the most nodes it takes
   */
  Nodes(TensorOwner owner, MemorySegment graph, int capacity) {
    this.owner = owner;
    this.graph = graph;
    this.capacity = capacity;
  }

  void add(MemorySegment node) {
    if (++size > capacity) {
      throw new IllegalStateException(
          "The graph is full: it was made for " + capacity + " nodes and views");
    }
    Ggml.ggml_build_forward_expand(graph, node);
  }

  /** Remembers that a node calls a kernel. */
  void addCall(MemorySegment node, KernelCall call) {
    kernels.put(node.address(), call);
  }

  @Nullable KernelCall call(MemorySegment node) {
    return kernels.get(node.address());
  }

  /** How many nodes and views were added. */
  int size() {
    return size;
  }

  /** The nodes as ggml runs them. */
  List<MemorySegment> all() {
    int count = Ggml.ggml_graph_n_nodes(graph);
    var all = new ArrayList<MemorySegment>(count);
    for (int i = 0; i < count; i++) {
      all.add(Ggml.ggml_graph_node(graph, i).reinterpret(ggml_tensor.sizeof()));
    }
    return all;
  }

  static boolean isView(MemorySegment node) {
    return VIEWS.contains(name(node));
  }

  private static String name(MemorySegment node) {
    return Ggml.ggml_op_desc(node).getString(0);
  }

  /** The nodes that compute something and that {@code filter} accepts. */
  List<GraphOp> ops(Predicate<MemorySegment> filter) {
    return all().stream()
        .filter(node -> !isView(node) && filter.test(node))
        .map(this::describe)
        .toList();
  }

  GraphOp describe(MemorySegment node) {
    var sources = new ArrayList<GraphOp.Operand>();
    for (int i = 0; i < MAX_SOURCES; i++) {
      var source = ggml_tensor.src(node, i);
      if (!source.equals(MemorySegment.NULL)) {
        sources.add(GraphOp.Operand.of(Tensor.wrap(owner, source)));
      }
    }
    var call = call(node);
    return new GraphOp(
        call == null ? name(node) : call.kernel().name(),
        GraphOp.Operand.of(Tensor.wrap(owner, node)),
        List.copyOf(sources));
  }
}
