package io.github.ggml4j.tensor;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Estimates the memory that ggml's CUDA backend allocates besides weights and graphs: cuBLAS's
 * workspace, and the pool for activations that are converted to another type. Memory that CUDA
 * itself uses is already missing from the device's free memory.
 */
final class CudaMemory {
  private static final long MIB = 1 << 20;
  private static final long HOPPER_WORKSPACE = 32 * MIB;
  private static final long WORKSPACE = 4 * MIB;
  private static final int HOPPER = 9;

  /** ggml's pool allocates this many times what it needs, to use the block for larger requests. */
  private static final double LOOK_AHEAD = 1.05;

  private static final long ALIGNMENT = 256;

  /** Products with fewer columns than this use kernels that convert while they compute. */
  private static final long FEW_COLUMNS = 16;

  /** The same for F32 weights. */
  private static final long FEW_F32_COLUMNS = 3;

  /** Rows of 8-bit activations are padded to a multiple of this. */
  private static final long PADDED_ROW = 512;

  /**
   * Products of quantized weights with more columns than this are divided among multiprocessors,
   * each of which keeps one tile of the result. The pool ends up with two such blocks.
   */
  private static final long FEW_QUANTIZED_COLUMNS = 8;

  private static final long TILES = 2 * 132 * 128 * 128 * Float.BYTES;

  private CudaMemory() {}

  static long temporaryBytes(@Nullable String computeCapability, List<List<GraphOp>> graphs) {
    var pool = new ArrayList<Long>();
    long total = 0;
    boolean cublas = false;
    boolean tiles = false;
    for (var graph : graphs) {
      for (var op : graph) {
        cublas |= op.name().equals("OUT_PROD") || usesCublas(op);
        tiles |= usesTiles(op);
        long wanted = op.name().equals("MUL_MAT") ? converted(op) : 0;
        if (wanted > 0 && pool.stream().noneMatch(size -> size >= wanted)) {
          long size = Math.ceilDiv((long) (LOOK_AHEAD * wanted), ALIGNMENT) * ALIGNMENT;
          pool.add(size);
          total += size;
        }
      }
    }
    return total
        + (cublas ? workspace(computeCapability) : 0)
        + (tiles ? (long) (LOOK_AHEAD * TILES) : 0);
  }

  private static boolean usesTiles(GraphOp op) {
    return op.name().equals("MUL_MAT")
        && op.inputs().getFirst().type().isQuantized()
        && columns(op) > FEW_QUANTIZED_COLUMNS;
  }

  private static boolean usesCublas(GraphOp op) {
    var weights = op.inputs().getFirst().type();
    return op.name().equals("MUL_MAT")
        && !weights.isQuantized()
        && columns(op) > (weights == DType.F32 ? FEW_F32_COLUMNS : FEW_COLUMNS);
  }

  private static long workspace(@Nullable String computeCapability) {
    boolean hopper =
        computeCapability != null
            && Integer.parseInt(computeCapability.replaceFirst("\\..*", "")) >= HOPPER;
    return hopper ? HOPPER_WORKSPACE : WORKSPACE;
  }

  /** Bytes of the second factor, converted to the type that the first one requires. */
  private static long converted(GraphOp op) {
    var weights = op.inputs().getFirst().type();
    var x = op.inputs().get(1);
    long elements = x.shape().stream().reduce(1L, (a, b) -> a * b);
    if (weights.isQuantized()) {
      long row = x.shape().getLast();
      long padded = Math.ceilDiv(row, PADDED_ROW) * PADDED_ROW;
      return DType.Q8_1.byteSize(elements / row * padded);
    }
    boolean half = weights == DType.F16 || weights == DType.BF16;
    return half && columns(op) > FEW_COLUMNS ? weights.byteSize(elements) : 0;
  }

  private static long columns(GraphOp op) {
    var shape = op.inputs().get(1).shape();
    return shape.size() < 2 ? 1 : shape.get(shape.size() - 2);
  }
}
