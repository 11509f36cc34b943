package io.github.ggml4j.format;

/**
 * The canonical names of GPT-2's parameters: Hugging Face's without the prefix {@code
 * transformer.}, such as {@code h.0.attn.c_attn.weight}.
 *
 * <p>A parameter is {@link #weight} or {@link #bias} of a module; a module of a block is named by
 * {@link #inBlock}.
 */
public final class ParameterNames {
  /** Token embedding, (V, C). */
  public static final String WTE = "wte.weight";

  /** Position embedding, (P, C). */
  public static final String WPE = "wpe.weight";

  /** Language-modelling head, (V, C); absent if it is tied to {@link #WTE}. */
  public static final String LM_HEAD = "lm_head.weight";

  /** LayerNorm after the last block. */
  public static final String LN_F = "ln_f";

  /** LayerNorm of a block before attention. */
  public static final String LN_1 = "ln_1";

  /** Queries, keys and values of a block's attention, C to 3C. */
  public static final String C_ATTN = "attn.c_attn";

  /** Output projection of a block's attention, C to C. */
  public static final String ATTN_C_PROJ = "attn.c_proj";

  /** LayerNorm of a block before the MLP. */
  public static final String LN_2 = "ln_2";

  /** First projection of a block's MLP, C to {@code nInner}. */
  public static final String C_FC = "mlp.c_fc";

  /** Second projection of a block's MLP, {@code nInner} to C. */
  public static final String MLP_C_PROJ = "mlp.c_proj";

  private static final String BLOCKS = "h.";

  private ParameterNames() {}

  /** The name of a block with a dot, such as {@code h.0.}. */
  public static String block(int layer) {
    return BLOCKS + layer + ".";
  }

  /** The name of a module of a block, such as {@code h.0.ln_1}. */
  public static String inBlock(int layer, String module) {
    return block(layer) + module;
  }

  /** The weight of a module. */
  public static String weight(String module) {
    return module + ".weight";
  }

  /** The bias of a module. */
  public static String bias(String module) {
    return module + ".bias";
  }

  /**
   * The index of the block that a parameter belongs to.
   *
   * @return -1 if it belongs to none
   */
  public static int layerOf(String parameter) {
    int dot = parameter.indexOf('.', BLOCKS.length());
    return parameter.startsWith(BLOCKS) && dot > 0
        ? Integer.parseInt(parameter, BLOCKS.length(), dot, 10)
        : -1;
  }
}
