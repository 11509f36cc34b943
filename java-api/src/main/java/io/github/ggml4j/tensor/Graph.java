package io.github.ggml4j.tensor;

import io.github.ggml4j.bindings.ffi.Ggml;
import io.github.ggml4j.bindings.ffi.ggml_tensor;
import io.github.ggml4j.tensor.internal.Kernel;
import io.github.ggml4j.tensor.internal.KernelParams;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
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
 * <p><b>Memory management.</b> Owns its inputs and intermediate results. Memory of a result is used
 * again once its last reader has run; {@link #output} keeps one readable after the computation.
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
  private MemorySegment allocator = MemorySegment.NULL;
  private int nodes;
  private int inputs;
  private boolean built;
  private boolean closed;

  private static final int MAX_INPUTS = 1024;

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

  /** Whether ggml4j's own kernels are used; see {@link Device#fusedKernels()}. */
  public boolean fused() {
    return device.fusedKernels();
  }

  // --- leaves and results

  /** A tensor to fill before each computation. Its contents stay until they are replaced. */
  public Tensor input(DType type, long... shape) {
    checkBuilding();
    if (++inputs > MAX_INPUTS) {
      throw new IllegalStateException("A graph has at most " + MAX_INPUTS + " inputs");
    }
    return Tensor.wrap(this, TensorStore.newTensor(inputContext, type, shape));
  }

  /** Keeps the elements of {@code x} readable after the computation. */
  public Tensor output(Tensor x) {
    checkBuilding();
    Ggml.ggml_set_output(x.handle());
    return x;
  }

  /**
   * Ends the adding of nodes and reserves memory.
   *
   * @throws OutOfDeviceMemoryException when the device has not enough
   */
  public Graph build() {
    checkBuilding();
    if (!fused()) {
      checkSupported();
    }
    if (inputs > 0) {
      inputBuffer = Ggml.ggml_backend_alloc_ctx_tensors(inputContext, device.backend());
    }
    allocator = Ggml.ggml_gallocr_new(device.bufferType());
    boolean done =
        (inputs == 0 || !inputBuffer.equals(MemorySegment.NULL))
            && Ggml.ggml_gallocr_alloc_graph(allocator, graph);
    if (!done) {
      throw new OutOfDeviceMemoryException(
          "No memory for the intermediate results of "
              + nodes
              + " nodes on "
              + device
              + ", which has "
              + (device.freeMemory() >> 20)
              + " MiB free. Use a smaller batch or shorter sequences.");
    }
    built = true;
    return this;
  }

  private void checkSupported() {
    for (int i = 0; i < Ggml.ggml_graph_n_nodes(graph); i++) {
      var node = Ggml.ggml_graph_node(graph, i).reinterpret(ggml_tensor.sizeof());
      if (!device.supports(node)) {
        throw new IllegalStateException(
            "Device "
                + device
                + " cannot compute "
                + Ggml.ggml_op_desc(node).getString(0)
                + " to "
                + Tensor.wrap(this, node)
                + ". Use --device cpu, or weights of another type.");
      }
    }
  }

  /** Runs all nodes and waits for them. Safe to call from several threads, one runs at a time. */
  public void compute() {
    checkOpen();
    if (!built) {
      throw new IllegalStateException("The graph is not built yet: call build() first");
    }
    device.compute(graph);
  }

  /** Bytes reserved for inputs and intermediate results. */
  public long bytes() {
    checkOpen();
    if (!built) {
      return 0;
    }
    long inputBytes = inputs == 0 ? 0 : Ggml.ggml_backend_buffer_get_size(inputBuffer);
    return inputBytes + Ggml.ggml_gallocr_get_buffer_size(allocator, 0);
  }

  // --- ggml4j's own kernels

  /**
   * One call of a kernel of libggml4j as a node; {@code native/src/ggml4j.h} states its inputs.
   *
   * @param shape of the result, F32
   */
  public Tensor kernel(Kernel kernel, KernelParams params, long[] shape, Tensor... sources) {
    if (!fused()) {
      throw new IllegalStateException("Kernel " + kernel + " does not run on " + device);
    }
    for (var source : sources) {
      if (!source.contiguous()) {
        throw new IllegalArgumentException(
            "Kernel " + kernel + " needs contiguous inputs, one is " + source);
      }
    }
    var ne = new long[] {1, 1, 1, 1};
    for (int i = 0; i < shape.length; i++) {
      ne[shape.length - 1 - i] = shape[i];
    }
    try (var scratch = Arena.ofConfined()) {
      var pointers = scratch.allocate(ValueLayout.ADDRESS, sources.length);
      for (int i = 0; i < sources.length; i++) {
        pointers.setAtIndex(ValueLayout.ADDRESS, i, sources[i].handle());
      }
      return add(
          Ggml.ggml_custom_4d(
              context,
              DType.F32.ggmlId(),
              ne[0],
              ne[1],
              ne[2],
              ne[3],
              pointers,
              sources.length,
              kernel.address(),
              Ggml.GGML_N_TASKS_MAX(),
              params.allocate(arena)));
    }
  }

  /** A kernel that changes its sources in place and has no result. */
  public void kernelInPlace(Kernel kernel, KernelParams params, Tensor... sources) {
    kernel(kernel, params, new long[] {1}, sources);
  }

  // --- ggml's stock ops

  /**
   * {@code a + b}, b repeated to the shape of a where smaller; differentiable when of equal shape.
   */
  public Tensor add(Tensor a, Tensor b) {
    checkRepeats("add", b, a);
    var sum = add(Ggml.ggml_add(context, a.handle(), b.handle()));
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
    checkRepeats("add", b, a);
    add(Ggml.ggml_add_inplace(context, a.handle(), b.handle()));
  }

  /** {@code a - b}, b repeated where smaller. */
  public Tensor sub(Tensor a, Tensor b) {
    checkRepeats("sub", b, a);
    return add(Ggml.ggml_sub(context, a.handle(), b.handle()));
  }

  /** {@code a * b} element by element, b repeated where smaller. */
  public Tensor mul(Tensor a, Tensor b) {
    checkRepeats("mul", b, a);
    return add(Ggml.ggml_mul(context, a.handle(), b.handle()));
  }

  /** {@code a / b} element by element, b repeated where smaller. */
  public Tensor div(Tensor a, Tensor b) {
    checkRepeats("div", b, a);
    return add(Ggml.ggml_div(context, a.handle(), b.handle()));
  }

  /** {@code x * factor + bias}. */
  public Tensor scale(Tensor x, float factor, float bias) {
    return add(Ggml.ggml_scale_bias(context, x.handle(), factor, bias));
  }

  /** The logistic function. */
  public Tensor sigmoid(Tensor x) {
    return add(Ggml.ggml_sigmoid(context, x.handle()));
  }

  /** The hyperbolic tangent. */
  public Tensor tanh(Tensor x) {
    return add(Ggml.ggml_tanh(context, x.handle()));
  }

  /** {@code max(x, 0)}. */
  public Tensor relu(Tensor x) {
    return add(Ggml.ggml_relu(context, x.handle()));
  }

  /** 1 where {@code x > 0}, else 0. */
  public Tensor step(Tensor x) {
    return add(Ggml.ggml_step(context, x.handle()));
  }

  /** {@code x Phi(x)} with the normal distribution function. */
  public Tensor geluErf(Tensor x) {
    return add(Ggml.ggml_gelu_erf(context, x.handle()));
  }

  /** {@code exp(x)}. */
  public Tensor exp(Tensor x) {
    return add(Ggml.ggml_exp(context, x.handle()));
  }

  /** {@code ln(x)}. */
  public Tensor log(Tensor x) {
    return add(Ggml.ggml_log(context, x.handle()));
  }

  /** {@code x} with all elements moved into {@code [min, max]}. */
  public Tensor clamp(Tensor x, float min, float max) {
    return add(Ggml.ggml_clamp(context, cont(x).handle(), min, max));
  }

  /** Sums of the fastest dimension: {@code (..., n)} to {@code (..., 1)}. */
  public Tensor sumRows(Tensor x) {
    return add(Ggml.ggml_sum_rows(context, x.handle()));
  }

  /** Means of the fastest dimension: {@code (..., n)} to {@code (..., 1)}. */
  public Tensor mean(Tensor x) {
    return add(Ggml.ggml_mean(context, x.handle()));
  }

  /** The sum over everything that repeating {@code like} to the shape of {@code x} would copy. */
  public Tensor repeatBack(Tensor x, Tensor like) {
    checkRepeats("repeat_back", like, x);
    return add(Ggml.ggml_repeat_back(context, x.handle(), like.handle()));
  }

  /** {@code (x - mean) / sqrt(variance + eps)} over the fastest dimension. */
  public Tensor norm(Tensor x, float eps) {
    return add(Ggml.ggml_norm(context, x.handle(), eps));
  }

  /** The gradient of RMS normalisation at {@code x} for the gradient {@code dy} of its result. */
  public Tensor rmsNormBack(Tensor dy, Tensor x, float eps) {
    checkSame("rms_norm_back", dy, x);
    return add(Ggml.ggml_rms_norm_back(context, dy.handle(), x.handle(), eps));
  }

  /**
   * {@code x · wᵀ}: weights {@code (out, in)} of any type, x {@code (rows, in)} F32, result {@code
   * (rows, out)}.
   */
  public Tensor mulMat(Tensor w, Tensor x) {
    if (w.ne(0) != x.ne(0) || x.ne(2) % w.ne(2) != 0 || x.ne(3) % w.ne(3) != 0) {
      throw mismatch("mul_mat", w, x);
    }
    return add(Ggml.ggml_mul_mat(context, w.handle(), x.handle()));
  }

  /**
   * {@code bᵀ · a} over their common rows: a {@code (n, m)}, b {@code (n, p)}, result {@code (p,
   * m)}.
   */
  public Tensor outProd(Tensor a, Tensor b) {
    if (a.ne(1) != b.ne(1) || b.ne(2) % a.ne(2) != 0 || b.ne(3) % a.ne(3) != 0) {
      throw mismatch("out_prod", a, b);
    }
    return add(Ggml.ggml_out_prod(context, a.handle(), b.handle()));
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
    return add(
        Ggml.ggml_soft_max_ext(
            context, x.handle(), mask == null ? MemorySegment.NULL : mask.handle(), scale, 0));
  }

  /**
   * The gradient of {@link #softMax} for its result {@code y} and the gradient {@code dy} of it.
   */
  public Tensor softMaxBack(Tensor dy, Tensor y, float scale) {
    checkSame("soft_max_back", dy, y);
    return add(Ggml.ggml_soft_max_ext_back(context, dy.handle(), y.handle(), scale, 0));
  }

  /** Rows {@code indices} (I32) of a matrix, as F32. */
  public Tensor getRows(Tensor matrix, Tensor indices) {
    if (indices.type() != DType.I32 || matrix.ne(2) != indices.ne(1)) {
      throw mismatch("get_rows", matrix, indices);
    }
    return add(Ggml.ggml_get_rows(context, matrix.handle(), indices.handle()));
  }

  /** Adds up the rows of {@code dy} at {@code indices} in a matrix of the shape of {@code like}. */
  public Tensor getRowsBack(Tensor dy, Tensor indices, Tensor like) {
    if (indices.type() != DType.I32 || dy.ne(1) != indices.ne(0) || dy.ne(0) != like.ne(0)) {
      throw mismatch("get_rows_back", dy, indices);
    }
    return add(Ggml.ggml_get_rows_back(context, dy.handle(), indices.handle(), like.handle()));
  }

  /**
   * Writes the rows of {@code rows} into {@code target} at {@code indices} (I64); returns the
   * target.
   */
  public Tensor setRows(Tensor target, Tensor rows, Tensor indices) {
    if (indices.type() != DType.I64 || rows.ne(1) != indices.ne(0) || rows.ne(0) != target.ne(0)) {
      throw mismatch("set_rows", target, rows);
    }
    return add(Ggml.ggml_set_rows(context, target.handle(), rows.handle(), indices.handle()));
  }

  /** Copies {@code x} into {@code target}, converting the type; returns the target. */
  public Tensor copyInto(Tensor x, Tensor target) {
    if (x.elements() != target.elements()) {
      throw mismatch("cpy", x, target);
    }
    return add(Ggml.ggml_cpy(context, x.handle(), target.handle()));
  }

  /** Joins along the fastest dimension. */
  public Tensor concatColumns(Tensor a, Tensor b) {
    if (a.ne(1) != b.ne(1) || a.ne(2) != b.ne(2) || a.ne(3) != b.ne(3)) {
      throw mismatch("concat", a, b);
    }
    return add(Ggml.ggml_concat(context, a.handle(), b.handle(), 0));
  }

  /** {@code x} with its elements one behind the other; itself when they are already. */
  public Tensor cont(Tensor x) {
    return x.contiguous() ? x : add(Ggml.ggml_cont(context, x.handle()));
  }

  /** Swaps the two fastest dimensions, as a view. */
  public Tensor transpose(Tensor x) {
    return add(Ggml.ggml_transpose(context, x.handle()));
  }

  /**
   * Reorders dimensions as a view: ggml dimension i of {@code x} becomes dimension {@code axes[i]}.
   */
  public Tensor permute(Tensor x, int axis0, int axis1, int axis2, int axis3) {
    var axes = new int[] {axis0, axis1, axis2, axis3};
    var sorted = axes.clone();
    Arrays.sort(sorted);
    if (!Arrays.equals(sorted, new int[] {0, 1, 2, 3})) {
      throw new IllegalArgumentException(
          "Axes are " + Arrays.toString(axes) + ", expected 0 to 3 each once");
    }
    return add(Ggml.ggml_permute(context, x.handle(), axis0, axis1, axis2, axis3));
  }

  /** The same elements in another shape, row-major, as a view. */
  public Tensor reshape(Tensor x, long... shape) {
    long elements = 1;
    for (long n : shape) {
      elements *= n;
    }
    if (elements != x.elements() || !x.contiguous()) {
      throw new IllegalArgumentException(
          "Cannot reshape "
              + x
              + (x.contiguous() ? "" : ", which is not contiguous,")
              + " to "
              + Arrays.toString(shape));
    }
    var ne = new long[] {1, 1, 1, 1};
    for (int i = 0; i < shape.length; i++) {
      ne[shape.length - 1 - i] = shape[i];
    }
    return add(Ggml.ggml_reshape_4d(context, x.handle(), ne[0], ne[1], ne[2], ne[3]));
  }

  /**
   * {@code count} rows of a matrix from row {@code first} on, as a view; differentiability ends
   * here.
   */
  public Tensor rows(Tensor x, long first, long count) {
    return add(Views.consecutive(context, x, first * x.ne(0), count, x.ne(0)));
  }

  /**
   * Consecutive elements of {@code x} from element {@code offset} on in another shape, as a view.
   */
  public Tensor view(Tensor x, long offset, long... shape) {
    return add(Views.consecutive(context, x, offset, shape));
  }

  /**
   * Columns {@code first} to {@code first + heads * size} of each row of {@code (tokens, width)},
   * as {@code (batch, tokens / batch, heads, size)}: a view without a copy.
   */
  public Tensor heads(Tensor x, long first, long heads, long size, long batch) {
    if (first + heads * size > x.ne(0) || x.ne(1) % batch != 0 || !x.contiguous()) {
      throw new IllegalArgumentException(
          "No " + heads + " heads of " + size + " from column " + first + " on in " + x);
    }
    long length = x.ne(1) / batch;
    long element = x.type().byteSize(1);
    return add(
        Ggml.ggml_view_4d(
            context,
            x.handle(),
            size,
            heads,
            length,
            batch,
            size * element,
            x.ne(0) * element,
            length * x.ne(0) * element,
            first * element));
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
    // ggml_set_param takes no views; the op itself only asks for the flag.
    ggml_tensor.flags(
        value.handle(), ggml_tensor.flags(value.handle()) | Ggml.GGML_TENSOR_FLAG_PARAM());
    add(
        Ggml.ggml_opt_step_adamw(
            context, value.handle(), gradient.handle(), m.handle(), v.handle(), control.handle()));
  }

  // --- checks

  private Tensor add(MemorySegment node) {
    checkBuilding();
    if (node.equals(MemorySegment.NULL)) {
      throw new IllegalStateException("ggml made no node");
    }
    if (++nodes > maxNodes - 2) {
      throw new IllegalStateException("The graph is full: it was made for " + maxNodes + " nodes");
    }
    var tensor = Tensor.wrap(this, node);
    Ggml.ggml_build_forward_expand(graph, node);
    return tensor;
  }

  private static void checkRepeats(String op, Tensor small, Tensor large) {
    for (int i = 0; i < 4; i++) {
      if (large.ne(i) % small.ne(i) != 0) {
        throw mismatch(op, large, small);
      }
    }
  }

  private static void checkSame(String op, Tensor a, Tensor b) {
    if (!Arrays.equals(a.shape(), b.shape())) {
      throw mismatch(op, a, b);
    }
  }

  private static IllegalArgumentException mismatch(String op, Tensor a, Tensor b) {
    return new IllegalArgumentException("Shapes do not fit for " + op + ": " + a + " and " + b);
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
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      if (!allocator.equals(MemorySegment.NULL)) {
        Ggml.ggml_gallocr_free(allocator);
      }
      if (!inputBuffer.equals(MemorySegment.NULL)) {
        Ggml.ggml_backend_buffer_free(inputBuffer);
      }
      Ggml.ggml_free(context);
      Ggml.ggml_free(inputContext);
      arena.close();
    }
  }
}
