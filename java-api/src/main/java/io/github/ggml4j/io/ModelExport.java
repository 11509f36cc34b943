package io.github.ggml4j.io;

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
 * How {@link Models#save} writes a model.
 *
 * <pre>{@code
 * Models.save(model,
 *     Path.of("gpt2-q4_k_m.gguf"),
 *     ModelExport.builder().quantization(Quantization.Q4_K_M).tokenizer(tokenizer).build());
 * }</pre>
 *
 * <p>Immutable.
 */
public final class ModelExport {
  /**
   * How far writing has come.
   *
   * @param weight the weight that was written last, by its Hugging Face name
   * @param type what it was written as
   * @param written how many weights are written
   * @param total how many there are
   */
  public record Progress(String weight, DType type, int written, int total) {}

  private final @Nullable Quantization quantization;
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
    this.pure = builder.pure;
    this.tensorTypes = new LinkedHashMap<>(builder.tensorTypes);
    this.importanceMatrix = builder.importanceMatrix;
    this.requantize = builder.requantize;
    this.tokenizer = builder.tokenizer;
    this.name = builder.name;
    this.threads = builder.threads;
    this.progress = builder.progress;
  }

  /** The types that the weights have, no tokenizer, as many threads as the model's device. */
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
   * The types of a GGUF file's weights by name; empty when they keep theirs.
   *
   * @param config the model
   * @param present the types that its weights have
   * @throws IllegalArgumentException when they cannot be written so
   */
  Map<String, DType> types(Gpt2Config config, Map<String, DType> present) {
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

  private void checkRequantize(String name, DType from, DType to) {
    if (from.isQuantized() && to.isQuantized() && from != to && !requantize) {
      throw new IllegalArgumentException(
          name
              + " is "
              + from
              + " and would be quantized again to "
              + to
              + ", which adds the losses of both. Start from a model in F32, F16 or BF16, or"
              + " allow it (requantize, --requantize).");
    }
  }

  private void checkImportance(WeightSpec spec, DType to, Quantization quantization) {
    long columns = spec.shape()[spec.shape().length - 1];
    var known = importanceMatrix == null ? null : importanceMatrix.find(spec.ggufName());
    if (known != null && to.isQuantized() && known.length != columns) {
      throw new IllegalArgumentException(
          "The importance matrix has "
              + known.length
              + " columns for "
              + spec.ggufName()
              + ", the model "
              + columns
              + ". It belongs to another model.");
    }
    if (known == null && quantization.needsImportanceMatrix(spec, to)) {
      throw new IllegalArgumentException(
          spec.name()
              + " would be "
              + to
              + ", which needs an importance matrix"
              + (importanceMatrix == null ? "" : ", and the one given does not have this weight")
              + ". Compute one from a text (ImportanceMatrix.compute, or ggml4j imatrix), or choose"
              + " a type that needs none, such as q2_k, q3_k_m or q4_k_m.");
    }
  }

  /** The importance of the columns of a weight, null where unknown. */
  float @Nullable [] importance(WeightSpec spec) {
    return importanceMatrix == null ? null : importanceMatrix.find(spec.ggufName());
  }

  /** Sets options. */
  public static final class Builder {
    private @Nullable Quantization quantization;
    private boolean pure;
    private final Map<Pattern, DType> tensorTypes = new LinkedHashMap<>();
    private @Nullable ImportanceMatrix importanceMatrix;
    private boolean requantize;
    private @Nullable Tokenizer tokenizer;
    private @Nullable String name;
    private int threads;
    private Consumer<Progress> progress = _ -> {};

    private Builder() {}

    /** What the weights are stored as; null, the default, for the types that they have. */
    public Builder quantization(@Nullable Quantization quantization) {
      this.quantization = quantization;
      return this;
    }

    /** Whether all matrices get the type of the quantization, with no mixture. */
    public Builder pure(boolean pure) {
      this.pure = pure;
      return this;
    }

    /**
     * Gives some matrices a type of your choice; of several patterns that match, the first counts.
     *
     * @param pattern a regular expression to be found in the name that a tensor has in GGUF, such
     *     as {@code blk.0.ffn_down.weight}
     * @throws IllegalArgumentException when the pattern is none, or the type not one for weights
     */
    public Builder tensorType(String pattern, DType type) {
      if (type != DType.F32 && !Quantizer.writes(type)) {
        throw new IllegalArgumentException(
            "The type for " + pattern + " is " + type + ", expected one for weights such as Q8_0");
      }
      try {
        tensorTypes.put(Pattern.compile(pattern), type);
      } catch (PatternSyntaxException e) {
        throw new IllegalArgumentException(
            "\"" + pattern + "\" is no regular expression: " + e.getDescription(), e);
      }
      return this;
    }

    /** How much errors in each column of each matrix matter. */
    public Builder importanceMatrix(@Nullable ImportanceMatrix importanceMatrix) {
      this.importanceMatrix = importanceMatrix;
      return this;
    }

    /** Whether weights that are quantized already may be quantized again to another type. */
    public Builder requantize(boolean requantize) {
      this.requantize = requantize;
      return this;
    }

    /** The tokenizer that goes into the file or folder; null for none. */
    public Builder tokenizer(@Nullable Tokenizer tokenizer) {
      this.tokenizer = tokenizer;
      return this;
    }

    /** The model's name, for display; by default that of the file. */
    public Builder name(@Nullable String name) {
      this.name = name;
      return this;
    }

    /** Threads to quantize with; 0, the default, for as many as the model's device has. */
    public Builder threads(int threads) {
      if (threads < 0) {
        throw new IllegalArgumentException("threads is " + threads + ", expected 0 or more");
      }
      this.threads = threads;
      return this;
    }

    /** Is told about each weight that was written. */
    public Builder progress(Consumer<Progress> progress) {
      this.progress = progress;
      return this;
    }

    /**
     * The options.
     *
     * @throws IllegalArgumentException when they do not go together
     */
    public ModelExport build() {
      boolean quantized = quantization != null && !quantization.isFloat();
      if ((pure || !tensorTypes.isEmpty()) && !quantized) {
        throw new IllegalArgumentException(
            "pure and tensorType go with a quantized type, and the type is " + quantization);
      }
      return new ModelExport(this);
    }
  }
}
