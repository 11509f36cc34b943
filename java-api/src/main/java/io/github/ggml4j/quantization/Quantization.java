package io.github.ggml4j.quantization;

import io.github.ggml4j.error.InvalidArgumentException;
import io.github.ggml4j.model.Gpt2Config;
import io.github.ggml4j.model.WeightSpec;
import io.github.ggml4j.tensor.DType;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Types of the weights of a GGUF file, by llama.cpp's names. Most are mixtures: the name gives the
 * type of most matrices, and the matrices that lose most from few bits get more. The choice for
 * each matrix of GPT-2 is that of {@code llama-quantize}; see {@link #types}.
 *
 * <p>Vectors and position embeddings are F32. If the rows of a matrix are not a multiple of the
 * block size of a type, a type with smaller blocks replaces it, F16 in the last resort.
 */
public enum Quantization {
  /** Single precision. */
  F32(0, DType.F32, "single precision, as trained"),
  /** Half precision. */
  F16(1, DType.F16, "half precision, nearly without loss"),
  /** The upper half of single precision. */
  BF16(32, DType.BF16, "bfloat16, nearly without loss"),
  /** 8 bits. */
  Q8_0(7, DType.Q8_0, "8 bits, hardly any loss"),
  /** 6 bits. */
  Q6_K(18, DType.Q6_K, "6 bits, hardly any loss"),
  /** 5 bits, more for some matrices. */
  Q5_K_M(17, DType.Q5_K, "5 bits, 6 where it matters: little loss"),
  /** 5 bits. */
  Q5_K_S(16, DType.Q5_K, "5 bits: little loss"),
  /** 5 bits, with a minimum. */
  Q5_1(9, DType.Q5_1, "5 bits, simple blocks with a minimum"),
  /** 5 bits, simple blocks. */
  Q5_0(8, DType.Q5_0, "5 bits, simple blocks"),
  /** 4 bits, more for some matrices. */
  Q4_K_M(15, DType.Q4_K, "4 bits, 6 where it matters: a good choice for most"),
  /** 4 bits, a few matrices 5. */
  Q4_K_S(14, DType.Q4_K, "4 bits, 5 in the first layers"),
  /** 4 bits, with a minimum. */
  Q4_1(3, DType.Q4_1, "4 bits, simple blocks with a minimum"),
  /** 4 bits, simple blocks. */
  Q4_0(2, DType.Q4_0, "4 bits, simple blocks"),
  /** 4 bits, unevenly spaced values. */
  IQ4_NL(25, DType.IQ4_NL, "4 bits, unevenly spaced values"),
  /** A little over 4 bits. */
  IQ4_XS(30, DType.IQ4_XS, "4 bits, unevenly spaced values, large blocks"),
  /**
   * llama.cpp's choice of 4-bit floats for mixtures of experts: 8 bits, as GPT-2 has no experts.
   */
  MXFP4_MOE(38, DType.MXFP4, "4-bit floats for experts; 8 bits in GPT-2, which has none"),
  /** 3 bits, many matrices 5. */
  Q3_K_L(13, DType.Q3_K, "3 bits, 5 where it matters"),
  /** 3 bits, many matrices 4 or 5. */
  Q3_K_M(12, DType.Q3_K, "3 bits, 4 to 5 where it matters: clear loss"),
  /** 3 bits. */
  Q3_K_S(11, DType.Q3_K, "3 bits: clear loss"),
  /** 3.4 bits from a codebook, some matrices 4. */
  IQ3_M(27, DType.IQ3_S, "3.4 bits from a codebook, 4 where it matters"),
  /** 3.4 bits from a codebook. */
  IQ3_S(26, DType.IQ3_S, "3.4 bits from a codebook"),
  /** 3.3 bits from a codebook. */
  IQ3_XS(22, DType.IQ3_S, "3.1 to 3.4 bits from a codebook"),
  /** 3.1 bits from a codebook. */
  IQ3_XXS(23, DType.IQ3_XXS, "3.1 bits from a codebook"),
  /** 2 bits, many matrices 3. */
  Q2_K(10, DType.Q2_K, "2 bits, 3 where it matters: large loss"),
  /** 2 bits. */
  Q2_K_S(21, DType.Q2_K, "2 bits, 4 in the first layers: large loss"),
  /** 2.6 bits from a codebook, some matrices 3.4. */
  IQ2_M(29, DType.IQ2_S, "2.6 bits from a codebook, 3.4 where it matters"),
  /** 2.3 bits from a codebook, some matrices 3.4. */
  IQ2_S(28, DType.IQ2_XS, "2.3 bits from a codebook, 3.4 where it matters"),
  /** 2.3 bits from a codebook. */
  IQ2_XS(20, DType.IQ2_XS, "2.3 bits from a codebook"),
  /** 2.1 bits from a codebook. */
  IQ2_XXS(19, DType.IQ2_XXS, "2.1 bits from a codebook"),
  /** 2 bits, simple blocks. */
  Q2_0(41, DType.Q2_0, "2 bits, simple blocks, for models trained so"),
  /** 1.75 bits from a codebook. */
  IQ1_M(31, DType.IQ1_M, "1.75 bits from a codebook"),
  /** 1.6 bits from a codebook. */
  IQ1_S(24, DType.IQ1_S, "1.6 bits from a codebook"),
  /** Three values, fast to unpack. */
  TQ2_0(37, DType.TQ2_0, "three values in 2 bits, for models trained so"),
  /** Three values, densely packed. */
  TQ1_0(36, DType.TQ1_0, "three values in 1.7 bits, for models trained so"),
  /** Signs. */
  Q1_0(40, DType.Q1_0, "signs, for models trained so");

  private static final Map<String, Quantization> ALIASES =
      Map.of("Q3_K", Q3_K_M, "Q4_K", Q4_K_M, "Q5_K", Q5_K_M);

  private static final int BITS = 8;

  private final int fileType;
  private final DType type;
  private final String description;

  Quantization(int fileType, DType type, String description) {
    this.fileType = fileType;
    this.type = type;
    this.description = description;
  }

  /**
   * The value of a name such as {@code q4_k_m}, in upper or lower case; {@code Q3_K}, {@code Q4_K}
   * and {@code Q5_K} stand for their {@code _M}.
   *
   * @throws InvalidArgumentException if there is no quantization of this name
   */
  public static Quantization of(String name) {
    var upper = name.strip().toUpperCase(Locale.ROOT);
    var alias = ALIASES.get(upper);
    if (alias != null) {
      return alias;
    }
    return Arrays.stream(values())
        .filter(value -> value.name().equals(upper))
        .findFirst()
        .orElseThrow(() ->
            new InvalidArgumentException(
                "quantization",
                name,
                "one of "
                    + Arrays.stream(values())
                        .map(Quantization::label)
                        .collect(Collectors.joining(", "))));
  }

  /** The name in lower case, as in file names. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** A short description for help texts. */
  public String description() {
    return description;
  }

  /** The type of most matrices. */
  public DType type() {
    return type;
  }

  /** llama.cpp's number of it, {@code general.file_type} in files. */
  public int fileType() {
    return fileType;
  }

  /** Whether this is F32, F16 or BF16, the types of Hugging Face folders. */
  public boolean isFloat() {
    return type.isFloat();
  }

  /**
   * The type of each weight of a model by its Hugging Face name.
   *
   * @param importance whether there is an importance matrix; some matrices then get fewer bits
   * @throws IllegalArgumentException if the rows of a matrix are not a multiple of the block size
   *     and no other type can replace it
   */
  public Map<String, DType> types(Gpt2Config config, boolean importance) {
    return types(config, importance, false, Map.of());
  }

  /**
   * As {@link #types(Gpt2Config, boolean)} with types of the user's choice.
   *
   * @param pure whether all matrices get {@link #type()}
   * @param chosen types of some matrices by patterns that are searched in their GGUF names; the
   *     first pattern that matches takes precedence
   */
  public Map<String, DType> types(
      Gpt2Config config, boolean importance, boolean pure, Map<Pattern, DType> chosen) {
    return QuantizationMix.types(config, this, importance, pure, chosen);
  }

  /** Whether a weight needs an {@link ImportanceMatrix} to be written as {@code type}. */
  public boolean needsImportanceMatrix(WeightSpec weight, DType type) {
    return QuantizationMix.needsImportance(weight, type, this);
  }

  /** Bits per weight of a whole model, including vectors and embeddings. */
  public double bitsPerWeight(Gpt2Config config) {
    var types = types(config, false);
    long bytes = 0;
    long elements = 0;
    for (var spec : WeightSpec.of(config)) {
      bytes += types.getOrDefault(spec.name(), DType.F32).byteSize(spec.elements());
      elements += spec.elements();
    }
    return (double) BITS * bytes / elements;
  }

  /**
   * Whether a model needs an {@link ImportanceMatrix} to be written so. Without one the result
   * would be useless, or ggml cannot compute it.
   */
  public boolean needsImportanceMatrix(Gpt2Config config) {
    var types = types(config, false);
    return WeightSpec.of(config).stream()
        .anyMatch(spec -> needsImportanceMatrix(spec, types.getOrDefault(spec.name(), DType.F32)));
  }
}
