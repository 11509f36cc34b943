package io.github.ggml4j.io;

import io.github.ggml4j.error.InvalidArgumentException;
import io.github.ggml4j.internal.Check;
import io.github.ggml4j.model.Gpt2Config;
import io.github.ggml4j.model.WeightSpec;
import io.github.ggml4j.quantization.ImportanceMatrix;
import io.github.ggml4j.quantization.Quantization;
import io.github.ggml4j.tensor.DType;
import io.github.ggml4j.tensor.Quantizer;
import io.github.ggml4j.tokenizer.Tokenizer;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.jspecify.annotations.Nullable;

/**
 * How {@link Models#save} writes a model: types of the weights, tokenizer, name.
 *
 * <pre>{@code
 * Models.save(
 *     model,
 *     Path.of("gpt2-q4_k_m.gguf"),
 *     ModelExport.builder().quantization(Quantization.Q4_K_M).tokenizer(tokenizer).build());
 * }</pre>
 *
 * <p>Immutable.
 */
public final class ModelExport {
  /**
   * The progress of writing.
   *
   * @param weight name of the weight that was written last
   * @param type the type it was written as
   * @param written number of weights written
   * @param total number of weights
   */
  public record Progress(String weight, DType type, int written, int total) {}

  private final @Nullable Quantization quantization;
  private final @Nullable DType type;
  private final boolean pure;
  private final Map<Pattern, DType> tensorTypes;
  private final @Nullable ImportanceMatrix importanceMatrix;
  private final boolean requantize;
  private final @Nullable Tokenizer tokenizer;
  private final @Nullable String name;
  private final int threads;
  private final Consumer<Progress> progress;

  private ModelExport(Builder builder) {
    this.quantization = builder.quantization;
    this.type = builder.type;
    this.pure = builder.pure;
    this.tensorTypes = new LinkedHashMap<>(builder.tensorTypes);
    this.importanceMatrix = builder.importanceMatrix;
    this.requantize = builder.requantize;
    this.tokenizer = builder.tokenizer;
    this.name = builder.name;
    this.threads = builder.threads;
    this.progress = builder.progress;
  }

  /** A builder that keeps the types of the weights and writes no tokenizer. */
  public static Builder builder() {
    return new Builder();
  }

  @Nullable Quantization quantization() {
    return quantization;
  }

  @Nullable ImportanceMatrix importanceMatrix() {
    return importanceMatrix;
  }

  @Nullable Tokenizer tokenizer() {
    return tokenizer;
  }

  @Nullable String name() {
    return name;
  }

  int threads() {
    return threads;
  }

  Consumer<Progress> progress() {
    return progress;
  }

  /**
   * The types of a GGUF file's weights by name.
   *
   * @param config the model
   * @param present the types that its weights have
   * @return empty if the weights keep their types
   * @throws InvalidArgumentException if they cannot be written so
   */
  Map<String, DType> ggufTypes(Gpt2Config config, Map<String, DType> present) {
    if (type != null) {
      return oneType(config, type);
    }
    if (quantization == null) {
      return Map.of();
    }
    var types = quantization.types(config, importanceMatrix != null, pure, tensorTypes);
    for (var spec : WeightSpec.of(config)) {
      var from = present.getOrDefault(spec.name(), DType.F32);
      var to = types.getOrDefault(spec.name(), DType.F32);
      checkRequantize(spec.name(), from, to);
      if (from != to) {
        checkImportance(spec, to, quantization);
      }
    }
    return types;
  }

  private Map<String, DType> oneType(Gpt2Config config, DType type) {
    if (Quantizer.needsImportance(type) && importanceMatrix == null) {
      throw new InvalidArgumentException(
          "type",
          type,
          "a type that needs no importance matrix",
          "Set {importanceMatrix}, or choose another type.");
    }
    var types = new LinkedHashMap<String, DType>();
    for (var spec : WeightSpec.of(config)) {
      boolean fits = spec.isMatrix() && spec.columns() % type.blockSize() == 0;
      types.put(spec.name(), fits ? type : DType.F32);
    }
    return types;
  }

  /**
   * The type of a Hugging Face folder's weights.
   *
   * @param present the type that they have
   * @throws InvalidArgumentException if a folder cannot hold it, or there is an importance matrix
   */
  DType folderType(DType present) {
    if (importanceMatrix != null) {
      throw new InvalidArgumentException(
          "importanceMatrix",
          "set",
          "none for a Hugging Face folder, which holds no quantized weights",
          "Give a path that ends with .gguf, or leave {importanceMatrix} out.");
    }
    var chosen = type != null ? type : quantization != null ? quantization.type() : present;
    if (chosen != DType.F32 && chosen != DType.F16 && chosen != DType.BF16) {
      throw new InvalidArgumentException(
          type != null ? "type" : "quantization",
          type != null ? type : String.valueOf(quantization),
          "F32, F16 or BF16 for a Hugging Face folder",
          "Give a path that ends with .gguf for other types.");
    }
    return chosen;
  }

  private void checkRequantize(String name, DType from, DType to) {
    if (from.isQuantized() && to.isQuantized() && from != to && !requantize) {
      throw new InvalidArgumentException(
          "requantize",
          false,
          "true to quantize " + name + " again, from " + from + " to " + to,
          "This adds the losses of both types. Start from a model in F32, F16 or BF16, or set"
              + " {requantize}.");
    }
  }

  private void checkImportance(WeightSpec spec, DType to, Quantization quantization) {
    long columns = spec.columns();
    var known = importanceMatrix == null ? null : importanceMatrix.find(spec.ggufName());
    if (known != null && to.isQuantized() && known.length != columns) {
      throw new InvalidArgumentException(
          "importanceMatrix",
          "one with " + known.length + " columns for " + spec.ggufName(),
          columns + " columns, as the model has",
          "It belongs to another model. Compute one with this model.");
    }
    if (known == null && quantization.needsImportanceMatrix(spec, to)) {
      throw new InvalidArgumentException(
          "importanceMatrix",
          importanceMatrix == null ? "not set" : "one without " + spec.ggufName(),
          "an importance matrix with " + spec.ggufName() + ", which " + to + " needs",
          "Compute one from a text (ImportanceMatrix.compute, or ggml4j imatrix), or choose a type"
              + " that needs none, such as q2_k, q3_k_m or q4_k_m.");
    }
  }

  /** The importance of the columns of a weight; null if unknown. */
  float @Nullable [] importance(WeightSpec spec) {
    return importanceMatrix == null ? null : importanceMatrix.find(spec.ggufName());
  }

  /** Sets options. */
  public static final class Builder {
    private @Nullable Quantization quantization;
    private @Nullable DType type;
    private boolean pure;
    private final Map<Pattern, DType> tensorTypes = new LinkedHashMap<>();
    private @Nullable ImportanceMatrix importanceMatrix;
    private boolean requantize;
    private @Nullable Tokenizer tokenizer;
    private @Nullable String name;
    private int threads;
    private Consumer<Progress> progress = _ -> {};

    private Builder() {}

    /** How the weights are stored; null, the default, to keep their types. */
    public Builder quantization(@Nullable Quantization quantization) {
      this.quantization = quantization;
      return this;
    }

    /**
     * One type for all matrices, instead of a {@link #quantization}: without the mixture, and
     * without the checks, that a quantization has. Matrices whose rows are not whole blocks of the
     * type, and vectors, become F32.
     *
     * @param type null, the default, for none
     * @throws InvalidArgumentException if weights cannot be written in this type
     */
    public Builder type(@Nullable DType type) {
      if (type != null) {
        checkWeightType("type", type);
      }
      this.type = type;
      return this;
    }

    private static void checkWeightType(String parameter, DType type) {
      if (type != DType.F32 && !Quantizer.writes(type)) {
        throw new InvalidArgumentException(
            parameter, type, "a type for weights, such as F16, Q8_0 or Q4_K");
      }
    }

    /** Whether all matrices get the type of the quantization, with no mixture. */
    public Builder pure(boolean pure) {
      this.pure = pure;
      return this;
    }

    /**
     * Sets the type of some matrices; if several patterns match, the first takes precedence.
     *
     * @param pattern a regular expression that is searched in the name that a tensor has in GGUF,
     *     such as {@code blk.0.ffn_down.weight}
     * @throws InvalidArgumentException if the pattern is not a regular expression, or weights
     *     cannot be written in this type
     */
    public Builder tensorType(String pattern, DType type) {
      checkWeightType("tensorType", type);
      try {
        tensorTypes.put(Pattern.compile(pattern), type);
      } catch (PatternSyntaxException e) {
        throw new InvalidArgumentException(
            "tensorType", pattern, "a regular expression (" + e.getDescription() + ")");
      }
      return this;
    }

    /**
     * The importance matrix to quantize with; null, the default, for none. A Hugging Face folder
     * cannot use one.
     */
    public Builder importanceMatrix(@Nullable ImportanceMatrix importanceMatrix) {
      this.importanceMatrix = importanceMatrix;
      return this;
    }

    /** Whether weights that are quantized already may be quantized again to another type. */
    public Builder requantize(boolean requantize) {
      this.requantize = requantize;
      return this;
    }

    /** The tokenizer to write into the file or folder; null, the default, for none. */
    public Builder tokenizer(@Nullable Tokenizer tokenizer) {
      this.tokenizer = tokenizer;
      return this;
    }

    /**
     * The model's name in a GGUF file, for display; null, the default, for the name of the file. A
     * Hugging Face folder has no name; saving one logs a warning if this is set.
     */
    public Builder name(@Nullable String name) {
      this.name = name;
      return this;
    }

    /** Threads to quantize with; 0, the default, for as many as the model's device has. */
    public Builder threads(int threads) {
      this.threads = Check.atLeast("threads", threads, 0);
      return this;
    }

    /** Receives the progress after each weight. */
    public Builder progress(Consumer<Progress> progress) {
      this.progress = progress;
      return this;
    }

    /**
     * The options.
     *
     * @throws InvalidArgumentException if options contradict each other
     */
    public ModelExport build() {
      boolean quantized = quantization != null && !quantization.isFloat();
      if ((pure || !tensorTypes.isEmpty()) && !quantized) {
        throw new InvalidArgumentException(
            pure ? "pure" : "tensorType",
            "set",
            "a quantized type beside it",
            "Set {quantization}, such as Q4_K_M.");
      }
      if (type != null && quantization != null) {
        throw new InvalidArgumentException(
            "type", type, "not set together with {quantization}", "Choose one of them.");
      }
      return new ModelExport(this);
    }
  }
}
