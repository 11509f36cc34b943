package io.github.ggml4j.quantization;

import io.github.ggml4j.error.InvalidArgumentException;
import io.github.ggml4j.format.ParameterNames;
import io.github.ggml4j.model.Gpt2Config;
import io.github.ggml4j.model.WeightSpec;
import io.github.ggml4j.tensor.DType;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Which type each weight of GPT-2 gets in a file of a {@link Quantization}: the choices of {@code
 * llama-quantize} in llama.cpp, for the tensors that GPT-2 has.
 *
 * <p>What they rest on: {@code c_attn} holds the values of attention, {@code mlp.c_proj} the wide
 * rows, and the first and last layers are the most sensitive; a tied embedding is also the head,
 * whose errors go straight into the logits.
 */
final class QuantizationMix {
  /** The parts of GPT-2 that are told apart. */
  private enum Role {
    EMBEDDING,
    HEAD,
    ATTENTION_IN,
    ATTENTION_OUT,
    MLP_IN,
    MLP_OUT
  }

  private static final Set<Quantization> BELOW_3_BITS =
      EnumSet.of(
          Quantization.IQ1_S,
          Quantization.IQ1_M,
          Quantization.IQ2_XXS,
          Quantization.IQ2_XS,
          Quantization.IQ2_S,
          Quantization.IQ2_M);

  /** Those for which ggml has no quantizer without: {@code ggml_quantize_requires_imatrix}. */
  private static final Set<DType> IMPOSSIBLE_WITHOUT_IMPORTANCE =
      EnumSet.of(DType.IQ1_S, DType.IQ2_XXS, DType.IQ2_XS);

  private static final Set<DType> LOST_WITHOUT_IMPORTANCE =
      EnumSet.of(DType.IQ1_S, DType.IQ1_M, DType.IQ2_XXS, DType.IQ2_XS, DType.IQ2_S, DType.IQ3_XXS);

  private final Quantization quantization;
  private final DType usual;
  private final boolean importance;
  private final int layers;
  private final boolean tied;

  private QuantizationMix(Gpt2Config config, Quantization quantization, boolean importance) {
    this.quantization = quantization;
    this.usual = quantization.type();
    this.importance = importance;
    this.layers = config.nLayer();
    this.tied = config.tieWordEmbeddings();
  }

  /**
   * The type of each weight by its canonical name.
   *
   * @param importance whether there is an importance matrix
   * @param pure whether all matrices get the usual type
   * @param chosen types of the user's choice, by patterns to be found in names of GGUF
   */
  static Map<String, DType> types(
      Gpt2Config config,
      Quantization quantization,
      boolean importance,
      boolean pure,
      Map<Pattern, DType> chosen) {
    var mix = new QuantizationMix(config, quantization, importance);
    Map<String, DType> types = new LinkedHashMap<>();
    for (WeightSpec spec : WeightSpec.of(config)) {
      types.put(spec.name(), mix.type(spec, pure, chosen));
    }
    return types;
  }

  private DType type(WeightSpec spec, boolean pure, Map<Pattern, DType> chosen) {
    if (!spec.isMatrix() || spec.name().equals(ParameterNames.WPE)) {
      return DType.F32;
    }
    if (!usual.isQuantized()) {
      return usual;
    }
    DType type = find(chosen, spec.ggufName());
    if (type == null) {
      type = pure ? usual : mixed(spec);
    }
    return fitting(type, spec);
  }

  private static @Nullable DType find(Map<Pattern, DType> chosen, String name) {
    for (Map.Entry<Pattern, DType> choice : chosen.entrySet()) {
      if (choice.getKey().matcher(name).find()) {
        return choice.getValue();
      }
    }
    return null;
  }

  private DType mixed(WeightSpec spec) {
    Role role = role(spec.name());
    if (role == Role.HEAD || (role == Role.EMBEDDING && tied)) {
      return head(spec);
    }
    if (quantization == Quantization.MXFP4_MOE) {
      return DType.Q8_0;
    }
    if (role == Role.EMBEDDING) {
      return embedding();
    }
    int layer = ParameterNames.layerOf(spec.name());
    if (BELOW_3_BITS.contains(quantization)) {
      return smallest(role, layer);
    }
    return switch (role) {
      case ATTENTION_IN -> attentionIn(layer);
      case ATTENTION_OUT -> attentionOut();
      case MLP_OUT -> mlpOut(layer);
      default -> mlpIn(layer);
    };
  }

  private DType head(WeightSpec spec) {
    if (quantization == Quantization.MXFP4_MOE || spec.columns() % usual.blockSize() != 0) {
      return DType.Q8_0;
    }
    if (BELOW_3_BITS.contains(quantization) || quantization == Quantization.IQ3_XXS) {
      return DType.Q5_K;
    }
    return usual == DType.Q8_0 ? DType.Q8_0 : DType.Q6_K;
  }

  private DType embedding() {
    return switch (quantization) {
      case IQ1_S, IQ1_M, IQ2_XXS, IQ2_XS -> DType.Q2_K;
      case IQ2_S, IQ2_M, IQ3_XXS -> DType.IQ3_S;
      case TQ1_0, TQ2_0, Q2_0 -> DType.Q4_K;
      default -> usual;
    };
  }

  private DType smallest(Role role, int layer) {
    boolean roomier = quantization == Quantization.IQ2_S || quantization == Quantization.IQ2_M;
    DType more = roomier ? DType.IQ3_S : DType.Q2_K;
    return switch (role) {
      case ATTENTION_IN -> more;
      case MLP_OUT -> layer < layers / 8 ? more : usual;
      case ATTENTION_OUT -> {
        if (roomier) {
          yield DType.IQ3_S;
        }
        boolean one = quantization == Quantization.IQ1_S || quantization == Quantization.IQ1_M;
        yield one ? DType.IQ2_XXS : usual;
      }
      default -> usual;
    };
  }

  private DType attentionIn(int layer) {
    return switch (quantization) {
      case Q2_K -> DType.Q3_K;
      case IQ3_XXS -> importance ? DType.IQ3_XXS : DType.IQ3_S;
      case IQ3_M -> DType.Q4_K;
      case Q3_K_M -> layer < 2 ? DType.Q5_K : DType.Q4_K;
      case Q3_K_L -> DType.Q5_K;
      case Q4_K_M, Q5_K_M -> sensitive(layer) ? DType.Q6_K : usual;
      case Q4_K_S -> layer < 4 ? DType.Q5_K : usual;
      default -> usual;
    };
  }

  private DType attentionOut() {
    return switch (quantization) {
      case Q2_K -> DType.Q3_K;
      case IQ3_XXS -> DType.IQ3_S;
      case IQ3_M, Q3_K_M -> DType.Q4_K;
      case Q3_K_L -> DType.Q5_K;
      default -> usual;
    };
  }

  private DType mlpOut(int layer) {
    boolean early = layer < layers / 8;
    return switch (quantization) {
      case Q2_K -> DType.Q3_K;
      case Q2_K_S -> early ? DType.Q4_K : usual;
      case IQ3_XXS -> {
        DType careful = early ? DType.Q4_K : DType.Q3_K;
        yield importance ? usual : careful;
      }
      case Q3_K_M -> layer < layers / 16 ? DType.Q5_K : DType.Q4_K;
      case IQ3_M -> early ? DType.Q4_K : usual;
      case Q3_K_L -> DType.Q5_K;
      case Q4_K_M, Q5_K_M -> sensitive(layer) ? DType.Q6_K : usual;
      case IQ4_NL, IQ4_XS -> early && !importance ? DType.Q5_K : usual;
      case Q4_K_S -> early ? DType.Q5_K : usual;
      case Q4_0 -> early && importance ? DType.Q4_1 : usual;
      case Q5_0 -> early && importance ? DType.Q5_1 : usual;
      default -> usual;
    };
  }

  private DType mlpIn(int layer) {
    boolean middle = layer >= layers / 8 && layer < 7 * layers / 8;
    return quantization == Quantization.IQ3_XS && middle ? DType.IQ3_XXS : usual;
  }

  /** The first and last eighth of the layers, and every third between. */
  private boolean sensitive(int layer) {
    int eighth = layers / 8;
    return layer < eighth || layer >= 7 * layers / 8 || (layer - eighth) % 3 == 2;
  }

  /** A type whose blocks fill the rows of a matrix. */
  private static DType fitting(DType type, WeightSpec spec) {
    long columns = spec.columns();
    if (columns % type.blockSize() == 0) {
      return type;
    }
    DType smaller =
        switch (type) {
          case IQ1_S, IQ1_M, IQ2_XXS, IQ2_XS, IQ2_S, IQ3_XXS, IQ3_S, IQ4_XS -> DType.IQ4_NL;
          case Q2_0, Q2_K, Q3_K, TQ1_0, TQ2_0 -> DType.Q4_0;
          case Q4_K -> DType.Q5_0;
          case Q5_K -> DType.Q5_1;
          case Q6_K -> DType.Q8_0;
          case Q1_0, NVFP4 ->
              throw new InvalidArgumentException(
                  "quantization",
                  type,
                  "a type with blocks that divide the " + columns + " columns of " + spec.name(),
                  "Blocks of " + type + " have " + type.blockSize() + ". Choose another type.");
          default -> type;
        };
    return columns % smaller.blockSize() == 0 ? smaller : DType.F16;
  }

  /** Whether a weight cannot be written so without knowing how much each of its columns matters. */
  static boolean needsImportance(WeightSpec spec, DType type, Quantization quantization) {
    if (IMPOSSIBLE_WITHOUT_IMPORTANCE.contains(type)) {
      return true;
    }
    Role role = role(spec.name());
    if (role == Role.EMBEDDING || role == Role.HEAD) {
      return false;
    }
    return LOST_WITHOUT_IMPORTANCE.contains(type)
        || (type == DType.Q2_K && quantization == Quantization.Q2_K_S);
  }

  private static Role role(String name) {
    if (name.equals(ParameterNames.LM_HEAD)) {
      return Role.HEAD;
    }
    int layer = ParameterNames.layerOf(name);
    if (layer < 0) {
      return Role.EMBEDDING;
    }
    return switch (name.substring(0, name.lastIndexOf('.'))
        .substring(ParameterNames.block(layer).length())) {
      case ParameterNames.C_ATTN -> Role.ATTENTION_IN;
      case ParameterNames.ATTN_C_PROJ -> Role.ATTENTION_OUT;
      case ParameterNames.C_FC -> Role.MLP_IN;
      default -> Role.MLP_OUT;
    };
  }
}
