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
import io.github.ggml4j.bindings.ffi.ggml_tensor;
import io.github.ggml4j.error.InvalidArgumentException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * ggml's stock ops as methods of a {@link Graph}. Each checks types, strides and shapes, adds one
 * node (unless it says otherwise) and returns its result.
 */
abstract sealed class StockOps permits Graph {
  /** Elements whose squares are summed to one number; a GPU takes a block of threads for each. */
  private static final long SQUARES_ROW = 16 << 10;

  /** The most products that CUDA computes in one call, by the limits of its grids. */
  private static final long MAX_PRODUCTS = 65_535;

  /** Columns of ones by their length. */
  private final Map<Long, Tensor> ones = new HashMap<>();

  /** Where the graph runs. */
  public abstract Device device();

  /** The record for the backward pass; null if this graph has none. */
  public abstract @Nullable Tape tape();

  /** An input whose elements do not change. */
  public abstract Tensor constant(float[] values, long... shape);

  /** The ggml context that nodes are allocated in. */
  abstract MemorySegment context();

  /** Checks that a tensor can be read by this graph; returns it for ggml. */
  abstract MemorySegment use(Tensor x);

  /** Adds a node that ggml has made. */
  abstract Tensor append(MemorySegment node, boolean readOnly);

  private Tensor append(MemorySegment node) {
    return append(node, false);
  }

  /**
   * {@code a + b}; a smaller b is repeated to the shape of a. Differentiable if the shapes are
   * equal.
   */
  public Tensor add(Tensor a, Tensor b) {
    checkBinary("add", a, b);
    var sum = append(Ggml.ggml_add(context(), use(a), use(b)));
    var tape = tape();
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
    append(Ggml.ggml_add_inplace(context(), use(a), use(b)));
  }

  /** {@code a - b}; a smaller b is repeated. */
  public Tensor sub(Tensor a, Tensor b) {
    checkBinary("sub", a, b);
    return append(Ggml.ggml_sub(context(), use(a), use(b)));
  }

  /** {@code a * b} element by element; a smaller b is repeated. */
  public Tensor mul(Tensor a, Tensor b) {
    checkBinary("mul", a, b);
    return append(Ggml.ggml_mul(context(), use(a), use(b)));
  }

  /** Multiplies {@code a} by {@code b} in place; a smaller b is repeated. */
  public void mulInPlace(Tensor a, Tensor b) {
    checkBinary("mul", a, b);
    checkWritable("mul", a);
    append(Ggml.ggml_mul_inplace(context(), use(a), use(b)));
  }

  /** {@code a / b} element by element; a smaller b is repeated. */
  public Tensor div(Tensor a, Tensor b) {
    checkBinary("div", a, b);
    return append(Ggml.ggml_div(context(), use(a), use(b)));
  }

  /** {@code x * factor + bias}. */
  public Tensor scale(Tensor x, float factor, float bias) {
    checkWhole("scale", x);
    return append(Ggml.ggml_scale_bias(context(), use(x), factor, bias));
  }

  /** The logistic function. */
  public Tensor sigmoid(Tensor x) {
    checkRows("sigmoid", x);
    return append(Ggml.ggml_sigmoid(context(), use(x)));
  }

  /** The hyperbolic tangent. */
  public Tensor tanh(Tensor x) {
    checkRows("tanh", x);
    return append(Ggml.ggml_tanh(context(), use(x)));
  }

  /** {@code max(x, 0)}. */
  public Tensor relu(Tensor x) {
    checkRows("relu", x);
    return append(Ggml.ggml_relu(context(), use(x)));
  }

  /** 1 where {@code x > 0}, else 0. */
  public Tensor step(Tensor x) {
    checkRows("step", x);
    return append(Ggml.ggml_step(context(), use(x)));
  }

  /** {@code x Phi(x)} with the normal distribution function. */
  public Tensor geluErf(Tensor x) {
    checkRows("gelu_erf", x);
    return append(Ggml.ggml_gelu_erf(context(), use(x)));
  }

  /** {@code exp(x)}. */
  public Tensor exp(Tensor x) {
    checkRows("exp", x);
    return append(Ggml.ggml_exp(context(), use(x)));
  }

  /** {@code ln(x)}. */
  public Tensor log(Tensor x) {
    checkRows("log", x);
    return append(Ggml.ggml_log(context(), use(x)));
  }

  /** The sign: -1, 0 or 1. */
  public Tensor sign(Tensor x) {
    checkRows("sgn", x);
    return append(Ggml.ggml_sgn(context(), use(x)));
  }

  /** The square root. */
  public Tensor sqrt(Tensor x) {
    checkRows("sqrt", x);
    return append(Ggml.ggml_sqrt(context(), use(x)));
  }

  /** {@code x} with all elements limited to {@code [min, max]}. */
  public Tensor clamp(Tensor x, float min, float max) {
    checkType("clamp", x, DType.F32);
    return append(Ggml.ggml_clamp(context(), use(cont(x)), min, max));
  }

  /** Sums of the fastest dimension: {@code (..., n)} to {@code (..., 1)}. */
  public Tensor sumRows(Tensor x) {
    checkRows("sum_rows", x);
    return append(Ggml.ggml_sum_rows(context(), use(x)));
  }

  /** Means of the fastest dimension: {@code (..., n)} to {@code (..., 1)}. */
  public Tensor mean(Tensor x) {
    checkRows("mean", x);
    return append(Ggml.ggml_mean(context(), use(x)));
  }

  /** The gradient of a repetition: sums {@code x} to the shape of {@code like}. */
  public Tensor repeatBack(Tensor x, Tensor like) {
    checkRepeats("repeat_back", like, x);
    checkRows("repeat_back", x);
    return append(Ggml.ggml_repeat_back(context(), use(x), use(like)));
  }

  /**
   * The sums of the columns of a matrix: {@code (rows, n)} to {@code (1, n)}. Computed as a product
   * with ones, which takes a fraction of the time of {@link #repeatBack} on a GPU, where one thread
   * adds up a whole column.
   */
  public Tensor columnSums(Tensor x) {
    if (!x.isMatrix()) {
      throw new IllegalArgumentException("column sums need a matrix, not " + x);
    }
    return outProd(x, ones(x.rows()));
  }

  /**
   * Partial sums of the squares of all elements of a contiguous tensor, without a copy of it. The
   * caller adds them up.
   */
  public List<Tensor> squareSums(Tensor x) {
    checkWhole("mul_mat", x);
    long size = SQUARES_ROW;
    while (x.elements() / size > MAX_PRODUCTS) {
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
    return append(Ggml.ggml_norm(context(), use(x), eps));
  }

  /** The gradient of RMS normalisation at {@code x} for the gradient {@code dy} of its result. */
  public Tensor rmsNormBack(Tensor dy, Tensor x, float eps) {
    checkSame("rms_norm_back", dy, x);
    checkRows("rms_norm_back", dy);
    checkRows("rms_norm_back", x);
    checkEps(eps);
    return append(Ggml.ggml_rms_norm_back(context(), use(dy), use(x), eps));
  }

  /**
   * {@code x · wᵀ}: weights {@code (out, in)} of any type, x {@code (rows, in)} F32, result {@code
   * (rows, out)}.
   */
  public Tensor mulMat(Tensor w, Tensor x) {
    if (w.dim(-1) != x.dim(-1) || x.dim(-3) % w.dim(-3) != 0 || x.dim(-4) % w.dim(-4) != 0) {
      throw mismatch("mul_mat", w, x);
    }
    checkRows("mul_mat", x);
    if (!device().computes(w.type()) || !w.contiguousRows() || w.transposed()) {
      throw new IllegalArgumentException(
          "mul_mat needs weights of a type that this device computes with, with whole rows, not "
              + w);
    }
    return append(Ggml.ggml_mul_mat(context(), use(w), use(x)));
  }

  /**
   * {@code bᵀ · a} over their common rows: a {@code (n, m)}, b {@code (n, p)}, result {@code (p,
   * m)}.
   */
  public Tensor outProd(Tensor a, Tensor b) {
    if (a.dim(-2) != b.dim(-2) || b.dim(-3) % a.dim(-3) != 0 || b.dim(-4) % a.dim(-4) != 0) {
      throw mismatch("out_prod", a, b);
    }
    checkRows("out_prod", a);
    checkType("out_prod", b, DType.F32);
    if (a.transposed()) {
      throw new IllegalArgumentException("out_prod needs whole rows, not the transposed " + a);
    }
    return append(Ggml.ggml_out_prod(context(), use(a), use(b)));
  }

  /** Softmax of {@code x * scale + mask} over the fastest dimension. */
  public Tensor softMax(Tensor x, @Nullable Tensor mask, float scale) {
    if (mask != null
        && (mask.dim(-1) != x.dim(-1)
            || mask.dim(-2) < x.dim(-2)
            || x.dim(-3) % mask.dim(-3) != 0
            || x.dim(-4) % mask.dim(-4) != 0)) {
      throw mismatch("soft_max", x, mask);
    }
    checkWhole("soft_max", x);
    if (mask != null) {
      checkWhole("soft_max", mask);
    }
    return append(
        Ggml.ggml_soft_max_ext(
            context(), use(x), mask == null ? MemorySegment.NULL : use(mask), scale, 0));
  }

  /**
   * The gradient of {@link #softMax} for its result {@code y} and the gradient {@code dy} of it.
   */
  public Tensor softMaxBack(Tensor dy, Tensor y, float scale) {
    checkSame("soft_max_back", dy, y);
    checkWhole("soft_max_back", dy);
    checkWhole("soft_max_back", y);
    return append(Ggml.ggml_soft_max_ext_back(context(), use(dy), use(y), scale, 0));
  }

  /** Rows {@code indices} (I32) of a matrix, as F32. */
  public Tensor getRows(Tensor matrix, Tensor indices) {
    if (indices.type() != DType.I32
        || matrix.dim(-3) != indices.dim(-2)
        || matrix.dim(-4) != indices.dim(-3)
        || indices.dim(-4) != 1
        || !device().computes(matrix.type())
        || !matrix.contiguousRows()) {
      throw mismatch("get_rows", matrix, indices);
    }
    return append(Ggml.ggml_get_rows(context(), use(matrix), use(indices)));
  }

  /**
   * The index of the largest element of each row; of the first if there are several.
   *
   * @param x {@code (rows, columns)}, F32
   * @return {@code (rows)}, I32
   */
  public Tensor argmax(Tensor x) {
    checkType("argmax", x, DType.F32);
    if (!x.isMatrix()) {
      throw new IllegalArgumentException("argmax takes a matrix, got " + x);
    }
    checkWhole("argmax", x);
    return append(Ggml.ggml_argmax(context(), use(x)));
  }

  /** Adds up the rows of {@code dy} at {@code indices} in a matrix of the shape of {@code like}. */
  public Tensor getRowsBack(Tensor dy, Tensor indices, Tensor like) {
    if (indices.type() != DType.I32
        || indices.elements() != indices.dim(-1)
        || dy.dim(-2) != indices.dim(-1)
        || dy.dim(-1) != like.dim(-1)
        || !dy.isMatrix()
        || !like.isMatrix()) {
      throw mismatch("get_rows_back", dy, indices);
    }
    checkWhole("get_rows_back", dy);
    return append(Ggml.ggml_get_rows_back(context(), use(dy), use(indices), use(like)));
  }

  /**
   * Writes the rows of {@code rows} into {@code target} at {@code indices} (I64 or I32, each once);
   * returns the target.
   */
  public Tensor setRows(Tensor target, Tensor rows, Tensor indices) {
    if ((indices.type() != DType.I64 && indices.type() != DType.I32)
        || indices.elements() != indices.dim(-1)
        || rows.dim(-2) != indices.dim(-1)
        || rows.dim(-1) != target.dim(-1)
        || rows.dim(-3) != target.dim(-3)
        || rows.dim(-4) != target.dim(-4)
        || !device().computes(target.type())
        || !target.contiguousRows()) {
      throw mismatch("set_rows", target, rows);
    }
    checkRows("set_rows", rows);
    checkWritable("set_rows", target);
    return append(Ggml.ggml_set_rows(context(), use(target), use(rows), use(indices)));
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
    return append(Ggml.ggml_cpy(context(), use(x), use(target)));
  }

  /** Joins along the fastest dimension. */
  public Tensor concatColumns(Tensor a, Tensor b) {
    if (a.dim(-2) != b.dim(-2) || a.dim(-3) != b.dim(-3) || a.dim(-4) != b.dim(-4)) {
      throw mismatch("concat", a, b);
    }
    checkRows("concat", a);
    checkRows("concat", b);
    return append(Ggml.ggml_concat(context(), use(a), use(b), 0));
  }

  /** A contiguous copy of {@code x}; {@code x} itself if it is contiguous. */
  public Tensor cont(Tensor x) {
    if (!x.contiguous() && x.type().isQuantized()) {
      throw new IllegalArgumentException(
          "cont cannot copy the elements of a quantized type one by one: " + x);
    }
    return x.contiguous() ? x : append(Ggml.ggml_cont(context(), use(x)));
  }

  /** Swaps the two fastest dimensions, as a view. */
  public Tensor transpose(Tensor x) {
    return append(Ggml.ggml_transpose(context(), use(x)), x.readOnly());
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
    // ggml counts dimensions from the last one, and expects the new index of each dimension of x.
    var places = new int[4];
    for (int i = 0; i < 4; i++) {
      places[3 - axes[i]] = 3 - i;
    }
    return append(
        Ggml.ggml_permute(context(), use(x), places[0], places[1], places[2], places[3]),
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
    return append(
        Ggml.ggml_reshape_4d(context(), use(x), ne[0], ne[1], ne[2], ne[3]), x.readOnly());
  }

  /**
   * A view of {@code count} rows of a matrix, starting at row {@code first}. Not differentiable.
   */
  public Tensor rows(Tensor x, long first, long count) {
    return view(x, first * x.columns(), count, x.columns());
  }

  /**
   * A view of consecutive elements of {@code x}, starting at element {@code offset}, in another
   * shape.
   */
  public Tensor view(Tensor x, long offset, long... shape) {
    use(x);
    return append(Views.consecutive(context(), x, offset, shape), x.readOnly());
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
        || heads > x.dim(-1)
        || size > x.dim(-1)
        || first > x.dim(-1) - heads * size
        || x.dim(-2) % batch != 0
        || !x.isMatrix()
        || !x.contiguous()) {
      throw new IllegalArgumentException(
          "No " + heads + " heads of " + size + " from column " + first + " on in " + x);
    }
    long length = x.dim(-2) / batch;
    long element = x.type().byteSize(1);
    return append(
        Ggml.ggml_view_4d(
            context(),
            use(x),
            size,
            heads,
            length,
            batch,
            size * element,
            x.dim(-1) * element,
            length * x.dim(-1) * element,
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
    // ggml_set_param refuses views, but the op only checks the flag.
    ggml_tensor.flags(
        value.handle(), ggml_tensor.flags(value.handle()) | Ggml.GGML_TENSOR_FLAG_PARAM());
    append(
        Ggml.ggml_opt_step_adamw(
            context(), use(value), use(gradient), use(m), use(v), use(control)));
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

  /** Whether ggml copies between two types. */
  private boolean converts(Tensor from, Tensor to) {
    if (from.type() == to.type()) {
      return !from.type().isQuantized() || (from.contiguous() && to.contiguous());
    }
    if (from.type().isQuantized()) {
      return device().computes(from.type())
          && to.type() == DType.F32
          && from.contiguous()
          && to.contiguous();
    }
    return isHalfOrFloat(from.type()) && isHalfOrFloat(to.type());
  }

  private static boolean isHalfOrFloat(DType type) {
    return type == DType.F32 || type == DType.F16 || type == DType.BF16;
  }
}
