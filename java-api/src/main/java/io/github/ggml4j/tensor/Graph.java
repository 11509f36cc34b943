package io.github.ggml4j.tensor;

import static io.github.ggml4j.tensor.OpChecks.checkBinary;
import static io.github.ggml4j.tensor.OpChecks.checkEps;
import static io.github.ggml4j.tensor.OpChecks.checkRepeats;
import static io.github.ggml4j.tensor.OpChecks.checkRows;
import static io.github.ggml4j.tensor.OpChecks.checkSame;
import static io.github.ggml4j.tensor.OpChecks.checkType;
import static io.github.ggml4j.tensor.OpChecks.checkWhole;
import static io.github.ggml4j.tensor.OpChecks.checkWritable;
import static io.github.ggml4j.tensor.OpChecks.ggmlOrder;
import static io.github.ggml4j.tensor.OpChecks.mismatch;

import io.github.ggml4j.bindings.ffi.Ggml;
import io.github.ggml4j.bindings.ffi.ggml4j_params;
import io.github.ggml4j.bindings.ffi.ggml_tensor;
import io.github.ggml4j.error.InvalidArgumentException;
import io.github.ggml4j.tensor.internal.Kernel;
import io.github.ggml4j.tensor.internal.KernelParams;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A computation on a {@link Device}: nodes are added by calling its methods, in the order in which
 * they will run; then {@link #build} gives it memory, and {@link #compute} runs it as often as
 * wanted with new inputs.
 *
 * <p>Nodes run strictly in the order in which they were added, so an op that changes a tensor of a
 * {@link TensorStore} in place is seen by all later nodes and by no earlier one.
 *
 * <p>Every method checks shapes and types and throws {@link IllegalArgumentException} with both
 * shapes before ggml sees them. Building is for one thread.
 *
 * <p><b>Memory management.</b> Owns its inputs and intermediate results; uses those of stores, and
 * throws once one of these is closed. Memory of a result is used again once its last reader has
 * run; {@link #output} keeps one readable after the computation.
 */
public final class Graph implements AutoCloseable, TensorOwner {
  private final Device device;
  private final @Nullable Tape tape;
  private final int maxNodes;

  private final Arena arena = Arena.ofShared();
  private final MemorySegment context;
  private final MemorySegment inputContext;
  private final MemorySegment graph;
  private MemorySegment inputBuffer = MemorySegment.NULL;
  private MemorySegment intermediateBuffer = MemorySegment.NULL;
  private MemorySegment allocator = MemorySegment.NULL;
  private int nodes;
  private final List<Tensor> inputTensors = new ArrayList<>();
  private boolean built;
  private volatile boolean closed;

  /** What else must be open while this computes. */
  private final Set<TensorOwner> stores = new LinkedHashSet<>();

  /** Nodes that only describe memory of others. */
  private static final Set<String> VIEWS =
      Set.of("NONE", "RESHAPE", "VIEW", "PERMUTE", "TRANSPOSE");

  /** A call of a kernel and its {@code ggml4j_params}. */
  private record KernelCall(Kernel kernel, MemorySegment parameters) {}

  /** The calls of kernels by the address of their node. */
  private final Map<Long, KernelCall> kernels = new HashMap<>();

  /** Elements that {@link #build} writes. */
  private final Map<Tensor, float[]> constants = new LinkedHashMap<>();

  private final Map<Class<?>, Object> attachments = new HashMap<>();

  /** Columns of ones by their length. */
  private final Map<Long, Tensor> ones = new HashMap<>();

  private static final int MAX_INPUTS = 1024;

  /** Elements whose squares are added up to one number: each is a block of threads on a GPU. */
  private static final long SQUARES_ROW = 16 << 10;

  /** How many products a GPU takes in one call, by the limits of CUDA's grids. */
  private static final long MOST_BATCHES = 65_535;

  /** ggml's GGML_MAX_SRC, less one. */
  private static final int MOST_SOURCES = 9;

  private Graph(Device device, int maxNodes, boolean differentiable) {
    this.device = device;
    this.maxNodes = maxNodes;
    this.context =
        TensorStore.newContext(
            maxNodes * Ggml.ggml_tensor_overhead()
                + Ggml.ggml_graph_overhead_custom(maxNodes, false));
    this.inputContext = TensorStore.newContext(MAX_INPUTS * Ggml.ggml_tensor_overhead());
    this.graph = Ggml.ggml_new_graph_custom(context, maxNodes, false);
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

  /** Where it runs. */
  @Override
  public Device device() {
    return device;
  }

  /** The record of the backward pass, null when this graph has none. */
  public @Nullable Tape tape() {
    return tape;
  }

  /** Whether one of ggml4j's own kernels can be used; see {@link Device#has}. */
  public boolean has(Kernel kernel) {
    return device.has(kernel);
  }

  // --- leaves and results

  /** A tensor to fill before each computation. Its contents stay until they are replaced. */
  public Tensor input(DType type, long... shape) {
    checkBuilding();
    if (inputTensors.size() == MAX_INPUTS) {
      throw new IllegalStateException("A graph has at most " + MAX_INPUTS + " inputs");
    }
    var input = Tensor.wrap(this, TensorStore.newTensor(inputContext, type, shape));
    inputTensors.add(input);
    return input;
  }

  /**
   * An input whose elements do not change: {@link #build} writes them once.
   *
   * @param values in row-major order
   */
  public Tensor constant(float[] values, long... shape) {
    var constant = input(DType.F32, shape);
    if (constant.elements() != values.length) {
      throw new IllegalArgumentException(
          "A constant " + constant + " has " + values.length + " values");
    }
    constants.put(constant, values);
    return constant;
  }

  /** A column of ones, {@code (n, 1)}. */
  private Tensor ones(long n) {
    var column = ones.get(n);
    if (column == null) {
      var values = new float[Math.toIntExact(n)];
      Arrays.fill(values, 1);
      column = constant(values, n, 1);
      ones.put(n, column);
    }
    return column;
  }

  /**
   * An object that belongs to this graph: the one of an earlier call with the same class, or a new
   * one. It lives as long as the graph.
   */
  public <T> T attachment(Class<T> type, Supplier<T> create) {
    return type.cast(attachments.computeIfAbsent(type, _ -> create.get()));
  }

  /** Keeps the elements of {@code x} readable after the computation. */
  public Tensor output(Tensor x) {
    checkBuilding();
    Ggml.ggml_set_output(use(x));
    return x;
  }

  /**
   * Ends the adding of nodes and reserves memory.
   *
   * @throws OutOfDeviceMemoryException when the device has not enough
   */
  public Graph build() {
    checkBuilding();
    for (var store : stores) {
      if (store instanceof TensorStore planned && planned.isPlanned()) {
        throw new IllegalStateException("A graph over a store without memory can be measured only");
      }
    }
    if (!device.fused()) {
      checkSupported();
    }
    device.built(this);
    if (!inputTensors.isEmpty()) {
      inputBuffer = Ggml.ggml_backend_alloc_ctx_tensors(inputContext, device.backend());
    }
    allocator = Ggml.ggml_gallocr_new(device.bufferType());
    boolean done =
        (inputTensors.isEmpty() || !inputBuffer.equals(MemorySegment.NULL))
            && Ggml.ggml_gallocr_alloc_graph(allocator, graph);
    if (!done) {
      device.checkBackend();
      throw OutOfDeviceMemoryException.of(
          "the inputs and intermediate results of " + nodes + " nodes",
          device,
          intermediateBytes() + inputBytes());
    }
    intermediateBuffer = intermediateBuffer();
    long bytes = Ggml.ggml_gallocr_get_buffer_size(allocator, 0);
    device.checkFree("the intermediate results of " + nodes + " nodes", bytes);
    device.allocated(intermediateBuffer);
    device.allocated(inputBuffer);
    built = true;
    constants.forEach(Tensor::setFloats);
    constants.clear();
    return this;
  }

  /** What ggml's allocator allocated: the buffer of the first node that has memory of its own. */
  private MemorySegment intermediateBuffer() {
    for (int i = 0; i < Ggml.ggml_graph_n_nodes(graph); i++) {
      var node = Ggml.ggml_graph_node(graph, i).reinterpret(ggml_tensor.sizeof());
      if (ggml_tensor.view_src(node).equals(MemorySegment.NULL)) {
        return ggml_tensor.buffer(node);
      }
    }
    return MemorySegment.NULL;
  }

  private void checkSupported() {
    var refused = unsupported(device::supports);
    if (!refused.isEmpty()) {
      throw new IllegalStateException(
          "Device "
              + device
              + " cannot compute "
              + refused.getFirst()
              + ". Use the device cpu, or weights of another type.");
    }
  }

  /** The nodes that compute something, in the order in which they run. */
  public List<GraphOp> ops() {
    return unsupported(_ -> false);
  }

  /**
   * The nodes that a device of the loaded natives says it cannot compute; it need not be this
   * graph's.
   *
   * @param other one of {@link Device#list}
   */
  public List<GraphOp> unsupportedBy(DeviceInfo other) {
    return unsupported(node -> Device.supports(other, node));
  }

  private List<GraphOp> unsupported(Predicate<MemorySegment> supported) {
    checkOpen();
    var ops = new ArrayList<GraphOp>();
    for (int i = 0; i < Ggml.ggml_graph_n_nodes(graph); i++) {
      var node = Ggml.ggml_graph_node(graph, i).reinterpret(ggml_tensor.sizeof());
      if (!VIEWS.contains(Ggml.ggml_op_desc(node).getString(0)) && !supported.test(node)) {
        ops.add(describe(node));
      }
    }
    return ops;
  }

  private GraphOp describe(MemorySegment node) {
    var sources = new ArrayList<GraphOp.Operand>();
    for (int i = 0; i <= MOST_SOURCES; i++) {
      var source = ggml_tensor.src(node, i);
      if (!source.equals(MemorySegment.NULL)) {
        sources.add(GraphOp.Operand.of(Tensor.wrap(this, source)));
      }
    }
    var call = kernels.get(node.address());
    return new GraphOp(
        call == null ? Ggml.ggml_op_desc(node).getString(0) : call.kernel().name(),
        GraphOp.Operand.of(Tensor.wrap(this, node)),
        List.copyOf(sources));
  }

  /** Runs all nodes and waits for them. Safe to call from several threads, one runs at a time. */
  public void compute() {
    if (!built) {
      throw new IllegalStateException("The graph is not built yet: call build() first");
    }
    var profile = device.profile();
    if (profile == null) {
      device.compute(graph, this::checkOpen);
    } else {
      computeEach(profile);
    }
  }

  /** Runs every node as a graph of its own. */
  private void computeEach(OpProfile profile) {
    device.exclusively(() -> {
      var scratch = TensorStore.newContext(Ggml.ggml_graph_overhead_custom(1, false));
      try {
        var single = Ggml.ggml_new_graph_custom(scratch, 1, false);
        for (int i = 0; i < Ggml.ggml_graph_n_nodes(graph); i++) {
          var node = Ggml.ggml_graph_node(graph, i).reinterpret(ggml_tensor.sizeof());
          Ggml.ggml_graph_clear(single);
          Ggml.ggml_graph_add_node(single, node);
          long start = System.nanoTime();
          device.compute(single, this::checkOpen);
          long nanoseconds = System.nanoTime() - start;
          if (VIEWS.contains(Ggml.ggml_op_desc(node).getString(0))) {
            profile.addEmpty(nanoseconds);
          } else {
            profile.add(describe(node), nanoseconds);
          }
        }
      } finally {
        Ggml.ggml_free(scratch);
      }
      return null;
    });
  }

  /** Bytes reserved for inputs and intermediate results; 0 until the graph is built. */
  public long bytes() {
    checkOpen();
    if (!built) {
      return 0;
    }
    long inputBytes = inputTensors.isEmpty() ? 0 : Ggml.ggml_backend_buffer_get_size(inputBuffer);
    return inputBytes + Ggml.ggml_gallocr_get_buffer_size(allocator, 0);
  }

  /** Bytes that {@link #build} would reserve, without reserving them. */
  public long measure() {
    checkOpen();
    return built ? bytes() : inputBytes() + intermediateBytes();
  }

  private long inputBytes() {
    return TensorStore.allocationBytes(inputContext, device);
  }

  /** What ggml's allocator needs; it takes inputs that have no memory yet for its own. */
  private long intermediateBytes() {
    var pending =
        inputTensors.stream()
            .filter(input -> ggml_tensor.data(input.handle()).equals(MemorySegment.NULL))
            .toList();
    pending.forEach(input -> ggml_tensor.data(input.handle(), TensorStore.PLANNED));
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

  // --- ggml4j's own kernels

  /**
   * One call of a kernel of libggml4j as a node; {@code native/src/ggml4j.h} states its inputs.
   *
   * @param shape of the result, F32
   */
  public Tensor kernel(Kernel kernel, KernelParams params, long[] shape, Tensor... sources) {
    if (!has(kernel)) {
      throw new IllegalStateException("Kernel " + kernel + " does not run on " + device);
    }
    if (sources.length > MOST_SOURCES) {
      throw new IllegalArgumentException(
          "Kernel " + kernel + " has " + sources.length + " inputs, at most " + MOST_SOURCES);
    }
    for (var source : sources) {
      if (!source.contiguous()) {
        throw new IllegalArgumentException(
            "Kernel " + kernel + " needs contiguous inputs, one is " + source);
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
      kernels.put(node.address(), new KernelCall(kernel, parameters));
      return add(node);
    }
  }

  /**
   * Lets the kernel of an earlier node prefetch weights that a later node reads.
   *
   * @param node a result of {@link #kernel}
   */
  public void prefetch(Tensor node, Tensor weights) {
    var call = kernels.get(node.handle().address());
    if (call == null) {
      throw new IllegalArgumentException(node + " is not the result of a kernel of this graph");
    }
    ggml4j_params.next_weight(call.parameters(), use(weights));
  }

  /** A kernel that changes some of its sources in place and has no result. */
  public void kernelInPlace(Kernel kernel, KernelParams params, Tensor... sources) {
    kernel(kernel, params, new long[] {1}, sources);
  }

  // --- ggml's stock ops

  /**
   * {@code a + b}, b repeated to the shape of a where smaller; differentiable when of equal shape.
   */
  public Tensor add(Tensor a, Tensor b) {
    checkBinary("add", a, b);
    var sum = add(Ggml.ggml_add(context, use(a), use(b)));
    if (tape != null && Arrays.equals(a.shape(), b.shape())) {
      tape.record(
          sum,
          dy -> {
            tape.add(a, dy);
            tape.add(b, dy);
          },
          a,
          b);
    }
    return sum;
  }

  /** Adds {@code b} to {@code a} in place. */
  public void addInPlace(Tensor a, Tensor b) {
    checkBinary("add", a, b);
    checkWritable("add", a);
    add(Ggml.ggml_add_inplace(context, use(a), use(b)));
  }

  /** {@code a - b}, b repeated where smaller. */
  public Tensor sub(Tensor a, Tensor b) {
    checkBinary("sub", a, b);
    return add(Ggml.ggml_sub(context, use(a), use(b)));
  }

  /** {@code a * b} element by element, b repeated where smaller. */
  public Tensor mul(Tensor a, Tensor b) {
    checkBinary("mul", a, b);
    return add(Ggml.ggml_mul(context, use(a), use(b)));
  }

  /** Multiplies {@code a} by {@code b} in place, b repeated where smaller. */
  public void mulInPlace(Tensor a, Tensor b) {
    checkBinary("mul", a, b);
    checkWritable("mul", a);
    add(Ggml.ggml_mul_inplace(context, use(a), use(b)));
  }

  /** {@code a / b} element by element, b repeated where smaller. */
  public Tensor div(Tensor a, Tensor b) {
    checkBinary("div", a, b);
    return add(Ggml.ggml_div(context, use(a), use(b)));
  }

  /** {@code x * factor + bias}. */
  public Tensor scale(Tensor x, float factor, float bias) {
    checkWhole("scale", x);
    return add(Ggml.ggml_scale_bias(context, use(x), factor, bias));
  }

  /** The logistic function. */
  public Tensor sigmoid(Tensor x) {
    checkRows("sigmoid", x);
    return add(Ggml.ggml_sigmoid(context, use(x)));
  }

  /** The hyperbolic tangent. */
  public Tensor tanh(Tensor x) {
    checkRows("tanh", x);
    return add(Ggml.ggml_tanh(context, use(x)));
  }

  /** {@code max(x, 0)}. */
  public Tensor relu(Tensor x) {
    checkRows("relu", x);
    return add(Ggml.ggml_relu(context, use(x)));
  }

  /** 1 where {@code x > 0}, else 0. */
  public Tensor step(Tensor x) {
    checkRows("step", x);
    return add(Ggml.ggml_step(context, use(x)));
  }

  /** {@code x Phi(x)} with the normal distribution function. */
  public Tensor geluErf(Tensor x) {
    checkRows("gelu_erf", x);
    return add(Ggml.ggml_gelu_erf(context, use(x)));
  }

  /** {@code exp(x)}. */
  public Tensor exp(Tensor x) {
    checkRows("exp", x);
    return add(Ggml.ggml_exp(context, use(x)));
  }

  /** {@code ln(x)}. */
  public Tensor log(Tensor x) {
    checkRows("log", x);
    return add(Ggml.ggml_log(context, use(x)));
  }

  /** {@code x} with all elements moved into {@code [min, max]}. */
  public Tensor clamp(Tensor x, float min, float max) {
    checkType("clamp", x, DType.F32);
    return add(Ggml.ggml_clamp(context, use(cont(x)), min, max));
  }

  /** Sums of the fastest dimension: {@code (..., n)} to {@code (..., 1)}. */
  public Tensor sumRows(Tensor x) {
    checkRows("sum_rows", x);
    return add(Ggml.ggml_sum_rows(context, use(x)));
  }

  /** Means of the fastest dimension: {@code (..., n)} to {@code (..., 1)}. */
  public Tensor mean(Tensor x) {
    checkRows("mean", x);
    return add(Ggml.ggml_mean(context, use(x)));
  }

  /** The sum over everything that repeating {@code like} to the shape of {@code x} would copy. */
  public Tensor repeatBack(Tensor x, Tensor like) {
    checkRepeats("repeat_back", like, x);
    checkRows("repeat_back", x);
    return add(Ggml.ggml_repeat_back(context, use(x), use(like)));
  }

  /**
   * The sums of the columns of a matrix: {@code (rows, n)} to {@code (1, n)}. A product with a row
   * of ones: on a GPU that takes a fraction of the time of {@link #repeatBack}, where one thread
   * adds up a whole column.
   */
  public Tensor columnSums(Tensor x) {
    if (x.elements() != x.ne(0) * x.ne(1)) {
      throw new IllegalArgumentException("The sums of columns are those of a matrix, not of " + x);
    }
    return outProd(x, ones(x.ne(1)));
  }

  /**
   * Partial sums of the squares of all elements of a contiguous tensor, without a copy of it; they
   * are to be added up by the caller.
   */
  public List<Tensor> squareSums(Tensor x) {
    checkWhole("mul_mat", x);
    long size = SQUARES_ROW;
    while (x.elements() / size > MOST_BATCHES) {
      size *= 2;
    }
    long rows = x.elements() / size;
    long rest = x.elements() - rows * size;
    var sums = new ArrayList<Tensor>();
    if (rows > 0) {
      var part = view(x, 0, rows, 1, size);
      sums.add(mulMat(part, part));
    }
    if (rest > 0) {
      var part = view(x, rows * size, 1, rest);
      sums.add(mulMat(part, part));
    }
    return sums;
  }

  /** {@code (x - mean) / sqrt(variance + eps)} over the fastest dimension. */
  public Tensor norm(Tensor x, float eps) {
    checkRows("norm", x);
    checkEps(eps);
    return add(Ggml.ggml_norm(context, use(x), eps));
  }

  /** The gradient of RMS normalisation at {@code x} for the gradient {@code dy} of its result. */
  public Tensor rmsNormBack(Tensor dy, Tensor x, float eps) {
    checkSame("rms_norm_back", dy, x);
    checkRows("rms_norm_back", dy);
    checkRows("rms_norm_back", x);
    checkEps(eps);
    return add(Ggml.ggml_rms_norm_back(context, use(dy), use(x), eps));
  }

  /**
   * {@code x · wᵀ}: weights {@code (out, in)} of any type, x {@code (rows, in)} F32, result {@code
   * (rows, out)}.
   */
  public Tensor mulMat(Tensor w, Tensor x) {
    if (w.ne(0) != x.ne(0) || x.ne(2) % w.ne(2) != 0 || x.ne(3) % w.ne(3) != 0) {
      throw mismatch("mul_mat", w, x);
    }
    checkRows("mul_mat", x);
    if (!device.computes(w.type()) || !w.contiguousRows() || w.transposed()) {
      throw new IllegalArgumentException(
          "mul_mat needs weights of a type that this device computes with, with whole rows, not "
              + w);
    }
    return add(Ggml.ggml_mul_mat(context, use(w), use(x)));
  }

  /**
   * {@code bᵀ · a} over their common rows: a {@code (n, m)}, b {@code (n, p)}, result {@code (p,
   * m)}.
   */
  public Tensor outProd(Tensor a, Tensor b) {
    if (a.ne(1) != b.ne(1) || b.ne(2) % a.ne(2) != 0 || b.ne(3) % a.ne(3) != 0) {
      throw mismatch("out_prod", a, b);
    }
    checkRows("out_prod", a);
    checkType("out_prod", b, DType.F32);
    if (a.transposed()) {
      throw new IllegalArgumentException("out_prod needs whole rows, not the transposed " + a);
    }
    return add(Ggml.ggml_out_prod(context, use(a), use(b)));
  }

  /** Softmax of {@code x * scale + mask} over the fastest dimension. */
  public Tensor softMax(Tensor x, @Nullable Tensor mask, float scale) {
    if (mask != null
        && (mask.ne(0) != x.ne(0)
            || mask.ne(1) < x.ne(1)
            || x.ne(2) % mask.ne(2) != 0
            || x.ne(3) % mask.ne(3) != 0)) {
      throw mismatch("soft_max", x, mask);
    }
    checkWhole("soft_max", x);
    if (mask != null) {
      checkWhole("soft_max", mask);
    }
    return add(
        Ggml.ggml_soft_max_ext(
            context, use(x), mask == null ? MemorySegment.NULL : use(mask), scale, 0));
  }

  /**
   * The gradient of {@link #softMax} for its result {@code y} and the gradient {@code dy} of it.
   */
  public Tensor softMaxBack(Tensor dy, Tensor y, float scale) {
    checkSame("soft_max_back", dy, y);
    checkWhole("soft_max_back", dy);
    checkWhole("soft_max_back", y);
    return add(Ggml.ggml_soft_max_ext_back(context, use(dy), use(y), scale, 0));
  }

  /** Rows {@code indices} (I32) of a matrix, as F32. */
  public Tensor getRows(Tensor matrix, Tensor indices) {
    if (indices.type() != DType.I32
        || matrix.ne(2) != indices.ne(1)
        || matrix.ne(3) != indices.ne(2)
        || indices.ne(3) != 1
        || !device.computes(matrix.type())
        || !matrix.contiguousRows()) {
      throw mismatch("get_rows", matrix, indices);
    }
    return add(Ggml.ggml_get_rows(context, use(matrix), use(indices)));
  }

  /** Adds up the rows of {@code dy} at {@code indices} in a matrix of the shape of {@code like}. */
  public Tensor getRowsBack(Tensor dy, Tensor indices, Tensor like) {
    if (indices.type() != DType.I32
        || indices.elements() != indices.ne(0)
        || dy.ne(1) != indices.ne(0)
        || dy.ne(0) != like.ne(0)
        || dy.elements() != dy.ne(0) * dy.ne(1)
        || like.elements() != like.ne(0) * like.ne(1)) {
      throw mismatch("get_rows_back", dy, indices);
    }
    checkWhole("get_rows_back", dy);
    return add(Ggml.ggml_get_rows_back(context, use(dy), use(indices), use(like)));
  }

  /**
   * Writes the rows of {@code rows} into {@code target} at {@code indices} (I64 or I32, each once);
   * returns the target.
   */
  public Tensor setRows(Tensor target, Tensor rows, Tensor indices) {
    if ((indices.type() != DType.I64 && indices.type() != DType.I32)
        || indices.elements() != indices.ne(0)
        || rows.ne(1) != indices.ne(0)
        || rows.ne(0) != target.ne(0)
        || rows.ne(2) != target.ne(2)
        || rows.ne(3) != target.ne(3)
        || !device.computes(target.type())
        || !target.contiguousRows()) {
      throw mismatch("set_rows", target, rows);
    }
    checkRows("set_rows", rows);
    checkWritable("set_rows", target);
    return add(Ggml.ggml_set_rows(context, use(target), use(rows), use(indices)));
  }

  /** Copies {@code x} into {@code target}, converting the type; returns the target. */
  public Tensor copyInto(Tensor x, Tensor target) {
    if (x.elements() != target.elements()) {
      throw mismatch("cpy", x, target);
    }
    if (!converts(x, target)) {
      throw new IllegalArgumentException("cpy cannot convert " + x + " to " + target);
    }
    checkWritable("cpy", target);
    return add(Ggml.ggml_cpy(context, use(x), use(target)));
  }

  /** Joins along the fastest dimension. */
  public Tensor concatColumns(Tensor a, Tensor b) {
    if (a.ne(1) != b.ne(1) || a.ne(2) != b.ne(2) || a.ne(3) != b.ne(3)) {
      throw mismatch("concat", a, b);
    }
    checkRows("concat", a);
    checkRows("concat", b);
    return add(Ggml.ggml_concat(context, use(a), use(b), 0));
  }

  /** {@code x} with its elements one behind the other; itself when they are already. */
  public Tensor cont(Tensor x) {
    if (!x.contiguous() && x.type().isQuantized()) {
      throw new IllegalArgumentException("Elements of blocks cannot be moved one by one in " + x);
    }
    return x.contiguous() ? x : add(Ggml.ggml_cont(context, use(x)));
  }

  /** Swaps the two fastest dimensions, as a view. */
  public Tensor transpose(Tensor x) {
    return add(Ggml.ggml_transpose(context, use(x)), x.readOnly());
  }

  /**
   * Reorders the dimensions as a view, as {@code torch.permute}: dimension {@code i} of the result
   * is dimension {@code axes[i]} of {@code x}.
   *
   * @param axes 0 to 3, each once; {@code x} counts as four-dimensional, with leading ones
   */
  public Tensor permute(Tensor x, int... axes) {
    var sorted = axes.clone();
    Arrays.sort(sorted);
    if (!Arrays.equals(sorted, new int[] {0, 1, 2, 3})) {
      throw new InvalidArgumentException("axes", Arrays.toString(axes), "0 to 3, each once");
    }
    // ggml counts from the last dimension on, and takes for each dimension of x its new place.
    var places = new int[4];
    for (int i = 0; i < 4; i++) {
      places[3 - axes[i]] = 3 - i;
    }
    return add(
        Ggml.ggml_permute(context, use(x), places[0], places[1], places[2], places[3]),
        x.readOnly());
  }

  /** The same elements in another shape, row-major, as a view. */
  public Tensor reshape(Tensor x, long... shape) {
    var ne = ggmlOrder(shape);
    if (ne[0] * ne[1] * ne[2] * ne[3] != x.elements()
        || ne[0] % x.type().blockSize() != 0
        || !x.contiguous()) {
      throw new IllegalArgumentException(
          "Cannot reshape "
              + x
              + (x.contiguous() ? "" : ", which is not contiguous,")
              + " to "
              + Arrays.toString(shape));
    }
    return add(Ggml.ggml_reshape_4d(context, use(x), ne[0], ne[1], ne[2], ne[3]), x.readOnly());
  }

  /**
   * {@code count} rows of a matrix from row {@code first} on, as a view; differentiability ends
   * here.
   */
  public Tensor rows(Tensor x, long first, long count) {
    return view(x, first * x.ne(0), count, x.ne(0));
  }

  /**
   * Consecutive elements of {@code x} from element {@code offset} on in another shape, as a view.
   */
  public Tensor view(Tensor x, long offset, long... shape) {
    use(x);
    return add(Views.consecutive(context, x, offset, shape), x.readOnly());
  }

  /**
   * Columns {@code first} to {@code first + heads * size} of each row of {@code (tokens, width)},
   * as {@code (batch, tokens / batch, heads, size)}: a view without a copy.
   */
  public Tensor heads(Tensor x, long first, long heads, long size, long batch) {
    if (first < 0
        || heads < 1
        || size < 1
        || batch < 1
        || heads > x.ne(0)
        || size > x.ne(0)
        || first > x.ne(0) - heads * size
        || x.ne(1) % batch != 0
        || x.elements() != x.ne(0) * x.ne(1)
        || !x.contiguous()) {
      throw new IllegalArgumentException(
          "No " + heads + " heads of " + size + " from column " + first + " on in " + x);
    }
    long length = x.ne(1) / batch;
    long element = x.type().byteSize(1);
    return add(
        Ggml.ggml_view_4d(
            context,
            use(x),
            size,
            heads,
            length,
            batch,
            size * element,
            x.ne(0) * element,
            length * x.ne(0) * element,
            first * element),
        x.readOnly());
  }

  /**
   * One step of AdamW in place by ggml's own op.
   *
   * @param control F32[7]: learning rate, beta1, beta2, eps, weight decay, and {@code 1 / (1 -
   *     beta^t)} of both betas
   */
  public void adamW(Tensor value, Tensor gradient, Tensor m, Tensor v, Tensor control) {
    checkSame("opt_step_adamw", value, gradient);
    checkSame("opt_step_adamw", value, m);
    checkSame("opt_step_adamw", value, v);
    if (control.elements() != 7) {
      throw mismatch("opt_step_adamw", value, control);
    }
    for (var tensor : List.of(value, gradient, m, v, control)) {
      checkWhole("opt_step_adamw", tensor);
    }
    for (var tensor : List.of(value, m, v)) {
      checkWritable("opt_step_adamw", tensor);
    }
    // ggml_set_param takes no views; the op itself only asks for the flag.
    ggml_tensor.flags(
        value.handle(), ggml_tensor.flags(value.handle()) | Ggml.GGML_TENSOR_FLAG_PARAM());
    add(Ggml.ggml_opt_step_adamw(context, use(value), use(gradient), use(m), use(v), use(control)));
  }

  // --- checks

  private Tensor add(MemorySegment node) {
    return add(node, false);
  }

  private Tensor add(MemorySegment node, boolean readOnly) {
    if (node.equals(MemorySegment.NULL)) {
      throw new IllegalStateException("ggml made no node");
    }
    if (++nodes > maxNodes - 2) {
      throw new IllegalStateException("The graph is full: it was made for " + maxNodes + " nodes");
    }
    var tensor = Tensor.wrap(this, node, readOnly);
    Ggml.ggml_build_forward_expand(graph, node);
    return tensor;
  }

  /**
   * The tensor for ggml, which takes what it is given.
   *
   * @throws IllegalArgumentException when it belongs to another graph, or to memory that this
   *     device does not share
   * @throws IllegalStateException when its memory is closed, or this graph closed or built
   */
  private MemorySegment use(Tensor x) {
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

  /** Whether ggml copies between two types. */
  private boolean converts(Tensor from, Tensor to) {
    if (from.type() == to.type()) {
      return !from.type().isQuantized() || (from.contiguous() && to.contiguous());
    }
    if (from.type().isQuantized()) {
      return device.computes(from.type())
          && to.type() == DType.F32
          && from.contiguous()
          && to.contiguous();
    }
    return isHalfOrFloat(from.type()) && isHalfOrFloat(to.type());
  }

  private static boolean isHalfOrFloat(DType type) {
    return type == DType.F32 || type == DType.F16 || type == DType.BF16;
  }

  private void checkBuilding() {
    checkOpen();
    if (built) {
      throw new IllegalStateException("The graph is already built, no node can be added");
    }
  }

  @Override
  public void checkOpen() {
    if (closed) {
      throw new IllegalStateException("Already closed: graph");
    }
    stores.forEach(TensorOwner::checkOpen);
  }

  /** Waits for a computation that runs, then gives the memory back. */
  @Override
  public void close() {
    device.betweenComputations(() -> {
      if (closed) {
        return;
      }
      closed = true;
      device.freeing(intermediateBuffer);
      device.freeing(inputBuffer);
      if (!allocator.equals(MemorySegment.NULL)) {
        Ggml.ggml_gallocr_free(allocator);
      }
      if (!inputBuffer.equals(MemorySegment.NULL)) {
        Ggml.ggml_backend_buffer_free(inputBuffer);
      }
      Ggml.ggml_free(context);
      Ggml.ggml_free(inputContext);
      arena.close();
    });
  }
}
