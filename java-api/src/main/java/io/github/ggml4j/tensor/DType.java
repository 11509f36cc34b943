package io.github.ggml4j.tensor;

import org.jspecify.annotations.Nullable;

/**
 * Element type of a tensor: every ggml type, and the plain types of safetensors files that ggml
 * does not have.
 *
 * <p>Quantized types store {@link #blockSize()} consecutive elements of a row in {@link
 * #bytesPerBlock()} bytes; for plain types a block is one element. Sizes and ids are those of
 * {@code ggml.h} and {@code ggml-common.h}. Immutable, without native calls.
 */
public enum DType {
  /** IEEE 754 single precision. */
  F32(0, 1, 4),
  /** IEEE 754 half precision. */
  F16(1, 1, 2),
  /** The upper 16 bits of a single-precision number. */
  BF16(30, 1, 2),
  /** IEEE 754 double precision. */
  F64(28, 1, 8),
  /** Signed 8-bit integer. */
  I8(24, 1, 1),
  /** Signed 16-bit integer. */
  I16(25, 1, 2),
  /** Signed 32-bit integer. */
  I32(26, 1, 4),
  /** Signed 64-bit integer. */
  I64(27, 1, 8),

  /** Unsigned 8-bit integer; not a ggml type. */
  U8(-1, 1, 1),
  /** Unsigned 16-bit integer; not a ggml type. */
  U16(-1, 1, 2),
  /** Unsigned 32-bit integer; not a ggml type. */
  U32(-1, 1, 4),
  /** Unsigned 64-bit integer; not a ggml type. */
  U64(-1, 1, 8),
  /** One byte, 0 or 1; not a ggml type. */
  BOOL(-1, 1, 1),
  /** 8-bit float with 4 exponent bits; not a ggml type. */
  F8_E4M3(-1, 1, 1),
  /** 8-bit float with 5 exponent bits; not a ggml type. */
  F8_E5M2(-1, 1, 1),

  /** 4 bits, a half-precision scale for 32 elements. */
  Q4_0(2, 32, 18),
  /** 4 bits, scale and minimum for 32 elements. */
  Q4_1(3, 32, 20),
  /** 5 bits, scale for 32 elements. */
  Q5_0(6, 32, 22),
  /** 5 bits, scale and minimum for 32 elements. */
  Q5_1(7, 32, 24),
  /** 8 bits, scale for 32 elements. */
  Q8_0(8, 32, 34),
  /** 8 bits, scale and sum for 32 elements; ggml's intermediate type, not for weights. */
  Q8_1(9, 32, 36),
  /** 2 bits, 256 elements. */
  Q2_K(10, 256, 84),
  /** 3 bits, 256 elements. */
  Q3_K(11, 256, 110),
  /** 4 bits, 256 elements. */
  Q4_K(12, 256, 144),
  /** 5 bits, 256 elements. */
  Q5_K(13, 256, 176),
  /** 6 bits, 256 elements. */
  Q6_K(14, 256, 210),
  /** 8 bits, 256 elements; ggml's intermediate type, not for weights. */
  Q8_K(15, 256, 292),
  /** About 2 bits from a codebook. */
  IQ2_XXS(16, 256, 66),
  /** About 2.3 bits from a codebook. */
  IQ2_XS(17, 256, 74),
  /** About 3 bits from a codebook. */
  IQ3_XXS(18, 256, 98),
  /** About 1.6 bits from a codebook. */
  IQ1_S(19, 256, 50),
  /** 4 bits, non-linear values, 32 elements. */
  IQ4_NL(20, 32, 18),
  /** About 3.4 bits from a codebook. */
  IQ3_S(21, 256, 110),
  /** About 2.6 bits from a codebook. */
  IQ2_S(22, 256, 82),
  /** 4 bits, non-linear values, 256 elements. */
  IQ4_XS(23, 256, 136),
  /** About 1.75 bits from a codebook. */
  IQ1_M(29, 256, 56),
  /** Ternary, about 1.7 bits. */
  TQ1_0(34, 256, 54),
  /** Ternary, about 2.1 bits. */
  TQ2_0(35, 256, 66),
  /** 4-bit floats, a shared exponent for 32 elements. */
  MXFP4(39, 32, 17),
  /** 4-bit floats, four 8-bit scales for 64 elements. */
  NVFP4(40, 64, 36),
  /** 1 bit, scale for 128 elements. */
  Q1_0(41, 128, 18),
  /** 2 bits, scale for 64 elements. */
  Q2_0(42, 64, 18);

  private static final @Nullable DType[] BY_GGML_ID = new @Nullable DType[43];

  static {
    for (DType type : values()) {
      if (type.ggmlId >= 0) {
        BY_GGML_ID[type.ggmlId] = type;
      }
    }
  }

  private final int ggmlId;
  private final int blockSize;
  private final int bytesPerBlock;

  DType(int ggmlId, int blockSize, int bytesPerBlock) {
    this.ggmlId = ggmlId;
    this.blockSize = blockSize;
    this.bytesPerBlock = bytesPerBlock;
  }

  /** The type with this id in {@code enum ggml_type}; null if there is none. */
  public static @Nullable DType fromGgmlId(int id) {
    return id >= 0 && id < BY_GGML_ID.length ? BY_GGML_ID[id] : null;
  }

  /** Whether ggml has this type. */
  public boolean isGgml() {
    return ggmlId >= 0;
  }

  /**
   * The value in {@code enum ggml_type}.
   *
   * @throws IllegalStateException if ggml does not have this type
   */
  public int ggmlId() {
    if (ggmlId < 0) {
      throw new IllegalStateException(
          name() + " is not a ggml type; convert the tensor to F32, F16 or BF16 first");
    }
    return ggmlId;
  }

  /** Elements in one block: 1 for plain types. */
  public int blockSize() {
    return blockSize;
  }

  /** Bytes of one block: the element size for plain types. */
  public int bytesPerBlock() {
    return bytesPerBlock;
  }

  /** Whether several elements share a block. */
  public boolean isQuantized() {
    return blockSize > 1;
  }

  /** Whether this is F32, F16, BF16 or F64. */
  public boolean isFloat() {
    return this == F32 || this == F16 || this == BF16 || this == F64;
  }

  /**
   * The number of bytes of this many elements.
   *
   * @param elements number of elements, a multiple of {@link #blockSize()}
   * @throws IllegalArgumentException if the number is negative, not a multiple of the block size or
   *     too large
   */
  public long byteSize(long elements) {
    if (elements < 0 || elements % blockSize != 0) {
      throw new IllegalArgumentException(
          elements
              + " elements do not fill blocks of "
              + name()
              + "; expected a multiple of "
              + blockSize);
    }
    long blocks = elements / blockSize;
    if (blocks > Long.MAX_VALUE / bytesPerBlock) {
      throw new IllegalArgumentException(elements + " elements of " + name() + " are too many");
    }
    return blocks * bytesPerBlock;
  }
}
