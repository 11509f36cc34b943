package io.github.ggml4j.tensor;

import io.github.ggml4j.bindings.NativeLibrary;
import io.github.ggml4j.bindings.ffi.Ggml;
import java.lang.foreign.MemorySegment;

/** Finds NaN and infinity in weights as fast as memory is read. Thread-safe. */
public final class NonFinite {
  private NonFinite() {}

  /**
   * The index of the first number that is NaN or infinite. For quantized types it is the index of
   * the first number of the block. Returns -1 if all are finite.
   *
   * @param data whole blocks of a type, native memory
   * @param type F32, F16, BF16 or quantized
   * @param threads CPU threads to use
   */
  public static long first(MemorySegment data, DType type, int threads) {
    boolean weights =
        type == DType.F32 || type == DType.F16 || type == DType.BF16 || type.isQuantized();
    if (!weights || data.byteSize() % type.bytesPerBlock() != 0) {
      throw new IllegalArgumentException(
          data.byteSize() + " bytes of " + type + ", expected whole blocks of a type of weights");
    }
    NativeLibrary.load();
    long elements = data.byteSize() / type.bytesPerBlock() * type.blockSize();
    return Ggml.ggml4j_first_nonfinite(data, type.ggmlId(), elements, threads);
  }
}
