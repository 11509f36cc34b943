package io.github.ggml4j.format.tensorflow;

import io.github.ggml4j.tensor.DType;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Where a variable stands. Source: {@code BundleEntryProto} in TensorFlow's {@code
 * tensor_bundle.proto}.
 *
 * @param dtype element type, null for one that has no numbers, such as texts
 * @param shape row-major
 * @param shard number of its file
 * @param offset first byte in that file
 * @param size bytes
 * @param checksum masked CRC-32C of the bytes
 * @param sliced whether the variable is stored in parts
 */
@SuppressWarnings("ArrayRecordComponent") // internal, never compared
record BundleEntry(
    @Nullable DType dtype,
    long[] shape,
    long shard,
    long offset,
    long size,
    int checksum,
    boolean sliced) {
  private static final int MAX_DIMENSIONS = 8;

  static BundleEntry read(ByteInput in) {
    DType dtype = null;
    long[] shape = {};
    long shard = 0;
    long offset = 0;
    long size = 0;
    int checksum = 0;
    boolean sliced = false;
    while (!in.atEnd()) {
      long tag = in.readVarint();
      switch ((int) Math.min(tag, Integer.MAX_VALUE)) {
        case 1 << 3 -> dtype = dtype(in.readVarint());
        case 2 << 3 | 2 -> shape = shape(in.readPart(in.readLength()));
        case 3 << 3 -> shard = in.readVarint();
        case 4 << 3 -> offset = in.readVarint();
        case 5 << 3 -> size = in.readVarint();
        case 6 << 3 | 5 -> checksum = in.readFixed32();
        case 7 << 3 | 2 -> {
          sliced = true;
          in.skip(2);
        }
        default -> in.skip((int) (tag & 7));
      }
    }
    return new BundleEntry(dtype, shape, shard, offset, size, checksum, sliced);
  }

  private static long[] shape(ByteInput in) {
    long[] shape = {};
    while (!in.atEnd()) {
      long tag = in.readVarint();
      if (tag == (2 << 3 | 2)) {
        if (shape.length == MAX_DIMENSIONS) {
          throw in.bad("has a variable of more than " + MAX_DIMENSIONS + " dimensions", "fewer");
        }
        shape = Arrays.copyOf(shape, shape.length + 1);
        shape[shape.length - 1] = dimension(in.readPart(in.readLength()));
      } else {
        in.skip((int) (tag & 7));
      }
    }
    return shape;
  }

  private static long dimension(ByteInput in) {
    long size = 0;
    while (!in.atEnd()) {
      long tag = in.readVarint();
      if (tag == 1 << 3) {
        size = in.readVarint();
      } else {
        in.skip((int) (tag & 7));
      }
    }
    if (size < 0) {
      throw in.bad("has a variable of a dimension of " + size, "0 or more");
    }
    return size;
  }

  /** Source: {@code types.proto}. */
  private static @Nullable DType dtype(long id) {
    return switch (Math.clamp(id, 0, 1000)) {
      case 1 -> DType.F32;
      case 2 -> DType.F64;
      case 3 -> DType.I32;
      case 4 -> DType.U8;
      case 5 -> DType.I16;
      case 6 -> DType.I8;
      case 9 -> DType.I64;
      case 10 -> DType.BOOL;
      case 14 -> DType.BF16;
      case 17 -> DType.U16;
      case 19 -> DType.F16;
      case 22 -> DType.U32;
      case 23 -> DType.U64;
      default -> null;
    };
  }
}
