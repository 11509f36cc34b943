package io.github.ggml4j.model;

import java.util.ArrayList;
import java.util.List;

/**
 * A weight that a configuration asks for.
 *
 * @param name canonical name
 * @param ggufName name in GGUF files
 * @param shape row-major; {@code (out, in)} for linear weights
 * @param linear whether Hugging Face stores it as Conv1D, {@code (in, out)}
 */
@SuppressWarnings("ArrayRecordComponent") // internal, never compared
public record WeightSpec(String name, String ggufName, long[] shape, boolean linear) {

  /** The number of elements. */
  public long elements() {
    return elements(shape);
  }

  static long elements(long[] shape) {
    long elements = 1;
    for (long dimension : shape) {
      elements = Math.multiplyExact(elements, dimension);
    }
    return elements;
  }

  /** Whether this is a matrix; by convention, weight decay applies to matrices only. */
  public boolean isMatrix() {
    return shape.length > 1;
  }

  /** The shape of a Conv1D weight as Hugging Face stores it. */
  public long[] storedShape() {
    return linear ? new long[] {shape[1], shape[0]} : shape;
  }

  /** Every weight of a model, in the order of the model. */
  public static List<WeightSpec> of(Gpt2Config config) {
    long c = config.nEmbd();
    List<WeightSpec> specs = new ArrayList<>();
    specs.add(table("wte", "token_embd", config.vocabSize(), c));
    specs.add(table("wpe", "position_embd", config.nPositions(), c));
    for (int i = 0; i < config.nLayer(); i++) {
      String h = "h." + i + ".";
      String blk = "blk." + i + ".";
      norm(specs, h + "ln_1", blk + "attn_norm", c);
      linear(specs, h + "attn.c_attn", blk + "attn_qkv", c, 3 * c);
      linear(specs, h + "attn.c_proj", blk + "attn_output", c, c);
      norm(specs, h + "ln_2", blk + "ffn_norm", c);
      linear(specs, h + "mlp.c_fc", blk + "ffn_up", c, config.nInner());
      linear(specs, h + "mlp.c_proj", blk + "ffn_down", config.nInner(), c);
    }
    norm(specs, "ln_f", "output_norm", c);
    if (!config.tieWordEmbeddings()) {
      specs.add(table("lm_head", "output", config.vocabSize(), c));
    }
    return specs;
  }

  private static WeightSpec table(String name, String ggufName, long rows, long columns) {
    return new WeightSpec(
        name + ".weight", ggufName + ".weight", new long[] {rows, columns}, false);
  }

  private static void norm(List<WeightSpec> specs, String name, String ggufName, long size) {
    specs.add(vector(name + ".weight", ggufName + ".weight", size));
    specs.add(vector(name + ".bias", ggufName + ".bias", size));
  }

  private static void linear(
      List<WeightSpec> specs, String name, String ggufName, long in, long out) {
    specs.add(new WeightSpec(name + ".weight", ggufName + ".weight", new long[] {out, in}, true));
    specs.add(vector(name + ".bias", ggufName + ".bias", out));
  }

  private static WeightSpec vector(String name, String ggufName, long size) {
    return new WeightSpec(name, ggufName, new long[] {size}, false);
  }
}
