package io.github.ggml4j.tensor;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.github.ggml4j.bindings.NativeLibrary;
import io.github.ggml4j.bindings.ffi.Ggml;
import io.github.ggml4j.error.InvalidArgumentException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Converts rows of floats to another type of weights with ggml's own quantizers. The result does
 * not depend on the number of threads. Thread-safe.
 */
public final class Quantizer {
  /** Threads take about this many elements at a time. */
  private static final long CHUNK = 32 * 512;

  private final DType type;

  /**
   * A quantizer.
   *
   * @param type F16, BF16 or a quantized type
   * @throws IllegalArgumentException if weights cannot have this type
   */
  public Quantizer(DType type) {
    NativeLibrary.load();
    if (!writes(type)) {
      throw new InvalidArgumentException(
          "type", type, "a type for weights, such as F16, Q8_0 or Q4_K");
    }
    this.type = type;
  }

  /** Whether there is a quantizer for a type. */
  public static boolean writes(DType type) {
    boolean half = type == DType.F16 || type == DType.BF16;
    return half
        || (type.isQuantized() && type.isGgml() && type != DType.Q8_1 && type != DType.Q8_K);
  }

  /** Whether quantizing to this type requires the importance of each column. */
  public static boolean needsImportance(DType type) {
    NativeLibrary.load();
    return type.isGgml() && Ggml.ggml_quantize_requires_imatrix(type.ggmlId());
  }

  /**
   * Quantizes a matrix.
   *
   * @param floats {@code (rows, columns)} F32, native memory
   * @param columns a multiple of the type's block size
   * @param importance the weight of errors in each column: the mean square of the activations that
   *     the column is multiplied with; null for equal weights
   * @param target has {@code type.byteSize(rows * columns)} bytes, native memory
   * @param threads number of threads, at least 1
   * @throws IllegalArgumentException if sizes do not fit, a number is not finite, or the type
   *     {@linkplain #needsImportance needs} an importance and there is none
   * @throws CancellationException if the thread is interrupted; it stays interrupted
   */
  public void quantize(
      MemorySegment floats,
      long rows,
      long columns,
      float @Nullable [] importance,
      MemorySegment target,
      int threads) {
    check(floats, rows, columns, importance, target);
    long piece = Math.max(1, (CHUNK + columns - 1) / columns);
    try (var arena = Arena.ofShared()) {
      var weights =
          importance == null ? MemorySegment.NULL : arena.allocateFrom(JAVA_FLOAT, importance);
      var caller = Thread.currentThread();
      var next = new AtomicLong();
      Runnable work =
          () -> {
            for (long row = next.getAndAdd(piece); row < rows; row = next.getAndAdd(piece)) {
              if (caller.isInterrupted()) {
                throw new CancellationException("Quantization was interrupted");
              }
              quantize(floats, row, Math.min(piece, rows - row), columns, weights, target);
            }
          };
      run(work, (int) Math.min(threads, (rows + piece - 1) / piece));
    }
  }

  private static void run(Runnable work, int threads) {
    if (threads <= 1) {
      work.run();
      return;
    }
    var futures = new ArrayList<Future<?>>();
    try (var executor =
        Executors.newFixedThreadPool(
            threads - 1, Thread.ofPlatform().daemon().name("ggml4j-quantize-", 0).factory())) {
      for (int i = 1; i < threads; i++) {
        futures.add(CompletableFuture.runAsync(work, executor));
      }
      work.run();
      for (var future : futures) {
        ((CompletableFuture<?>) future).join();
      }
    } catch (CompletionException e) {
      if (e.getCause() instanceof RuntimeException cause) {
        throw cause;
      }
      throw e;
    }
  }

  private void quantize(
      MemorySegment floats,
      long row,
      long rows,
      long columns,
      MemorySegment importance,
      MemorySegment target) {
    var from = floats.asSlice(4 * row * columns, 4 * rows * columns);
    var to = target.asSlice(type.byteSize(row * columns), type.byteSize(rows * columns));
    long bad = type.isQuantized() ? NonFinite.first(from, DType.F32, 1) : -1;
    if (bad >= 0) {
      throw new IllegalArgumentException(
          "The number in row "
              + (row + bad / columns)
              + ", column "
              + bad % columns
              + " is "
              + from.getAtIndex(JAVA_FLOAT, bad)
              + ", expected finite numbers");
    }
    Ggml.ggml_quantize_chunk(type.ggmlId(), from, to, 0, rows, columns, importance);
    if (type.isQuantized() && NonFinite.first(to, type, 1) >= 0) {
      throw new IllegalArgumentException(
          "Rows "
              + row
              + " to "
              + (row + rows - 1)
              + " have numbers that are too large for "
              + type
              + ", whose scales have half precision. Use F32 or BF16.");
    }
  }

  private void check(
      MemorySegment floats,
      long rows,
      long columns,
      float @Nullable [] importance,
      MemorySegment target) {
    if (columns < 1
        || columns % type.blockSize() != 0
        || rows < 0
        || floats.byteSize() < Math.multiplyExact(4 * rows, columns)
        || target.byteSize() < type.byteSize(rows * columns)) {
      throw new IllegalArgumentException(
          "Cannot quantize "
              + rows
              + " rows of "
              + columns
              + " from "
              + floats.byteSize()
              + " bytes to "
              + target.byteSize()
              + " bytes of "
              + type);
    }
    if (importance == null) {
      if (needsImportance(type)) {
        throw new InvalidArgumentException(
            "importance", "null", "the importance of each column, which type " + type + " needs");
      }
      return;
    }
    if (importance.length != columns) {
      throw new InvalidArgumentException(
          "importance.length", importance.length, columns + ", the number of columns");
    }
    for (float value : importance) {
      if (!(value >= 0 && Float.isFinite(value))) {
        throw new InvalidArgumentException("importance", value, "finite numbers of at least 0");
      }
    }
  }
}
