package io.github.ggml4j.model.internal;

import io.github.ggml4j.format.internal.LittleEndian;
import io.github.ggml4j.tensor.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.ValueLayout;

/** Transposes and converts the bytes of weights. */
public final class WeightLayout {
  private static final ValueLayout.OfByte BYTE = ValueLayout.JAVA_BYTE;
  private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;
  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED;

  /** Rows and columns of a tile that fits into the first-level cache. */
  private static final long TILE = 32;

  private WeightLayout() {}

  /**
   * Transposes a matrix of shape (rows, columns) to (columns, rows).
   *
   * @throws IllegalArgumentException if the type is quantized
   */
  public static MemorySegment transpose(
      MemorySegment from, DType dtype, long rows, long columns, SegmentAllocator allocator) {
    if (dtype.isQuantized()) {
      throw new IllegalArgumentException(
          "a matrix of "
              + dtype
              + " cannot be transposed; expected F32, F16, BF16 or F64. Convert it first.");
    }
    int size = dtype.bytesPerBlock();
    MemorySegment to = allocator.allocate(Math.max(from.byteSize(), 1), 64);
    for (long row = 0; row < rows; row += TILE) {
      long rowEnd = Math.min(row + TILE, rows);
      for (long column = 0; column < columns; column += TILE) {
        long columnEnd = Math.min(column + TILE, columns);
        for (long c = column; c < columnEnd; c++) {
          for (long r = row; r < rowEnd; r++) {
            copyElement(from, (r * columns + c) * size, to, (c * rows + r) * size, size);
          }
        }
      }
    }
    return to.asSlice(0, from.byteSize());
  }

  /**
   * Converts F16, BF16 or F64 to F32; returns F32 as it is.
   *
   * @throws IllegalArgumentException when the type is another
   */
  public static MemorySegment toFloat32(
      MemorySegment from, DType dtype, SegmentAllocator allocator) {
    if (dtype == DType.F32) {
      return from;
    }
    long elements = from.byteSize() / dtype.bytesPerBlock();
    MemorySegment to = allocator.allocate(Math.max(4 * elements, 1), 64);
    for (long i = 0; i < elements; i++) {
      float value =
          switch (dtype) {
            case F16 -> Float.float16ToFloat(from.get(LittleEndian.SHORT, 2 * i));
            case BF16 -> Float.intBitsToFloat(from.get(LittleEndian.SHORT, 2 * i) << 16);
            case F64 -> (float) from.get(LittleEndian.DOUBLE, 8 * i);
            default ->
                throw new IllegalArgumentException(
                    "a vector of " + dtype + " cannot become F32; expected F16, BF16 or F64");
          };
      to.set(LittleEndian.INT, 4 * i, Float.floatToRawIntBits(value));
    }
    return to.asSlice(0, 4 * elements);
  }

  /** The index of the first F64 number that is not finite as F32; -1 if there is none. */
  public static long firstBeyondFloat32(MemorySegment doubles) {
    for (long i = 0; i < doubles.byteSize() / Double.BYTES; i++) {
      if (!Float.isFinite((float) doubles.get(LittleEndian.DOUBLE, Double.BYTES * i))) {
        return i;
      }
    }
    return -1;
  }

  private static void copyElement(
      MemorySegment from, long fromOffset, MemorySegment to, long toOffset, int size) {
    switch (size) {
      case 2 -> to.set(SHORT, toOffset, from.get(SHORT, fromOffset));
      case 4 -> to.set(INT, toOffset, from.get(INT, fromOffset));
      case 8 -> to.set(LONG, toOffset, from.get(LONG, fromOffset));
      default -> to.set(BYTE, toOffset, from.get(BYTE, fromOffset));
    }
  }
}
