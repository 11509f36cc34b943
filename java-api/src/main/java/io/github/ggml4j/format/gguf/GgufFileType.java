package io.github.ggml4j.format.gguf;

import io.github.ggml4j.tensor.DType;

/** The number that llama.cpp writes as {@code general.file_type}: what most weights are. */
public final class GgufFileType {
  private GgufFileType() {}

  /**
   * The number for a file.
   *
   * @param most type of most weight matrices
   * @param mixed whether other quantized types are among them, as in the {@code _M} mixtures
   */
  public static int of(DType most, boolean mixed) {
    return switch (most) {
      case F16 -> 1;
      case Q4_0 -> 2;
      case Q4_1 -> 3;
      case Q8_0 -> 7;
      case Q5_0 -> 8;
      case Q5_1 -> 9;
      case Q2_K -> mixed ? 10 : 21;
      case Q3_K -> mixed ? 12 : 11;
      case Q4_K -> mixed ? 15 : 14;
      case Q5_K -> mixed ? 17 : 16;
      case Q6_K -> 18;
      case IQ2_XXS -> 19;
      case IQ2_XS -> 20;
      case IQ3_XXS -> 23;
      case IQ1_S -> 24;
      case IQ4_NL -> 25;
      case IQ3_S -> mixed ? 27 : 26;
      case IQ2_S -> mixed ? 29 : 28;
      case IQ4_XS -> 30;
      case IQ1_M -> 31;
      case BF16 -> 32;
      case TQ1_0 -> 36;
      case TQ2_0 -> 37;
      case MXFP4 -> 38;
      case NVFP4 -> 39;
      case Q1_0 -> 40;
      case Q2_0 -> 41;
      default -> 0;
    };
  }
}
