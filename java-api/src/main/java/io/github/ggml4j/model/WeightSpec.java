package io.github.ggml4j.model;

import static io.github.ggml4j.format.ParameterNames.bias;
import static io.github.ggml4j.format.ParameterNames.inBlock;
import static io.github.ggml4j.format.ParameterNames.weight;

import io.github.ggml4j.format.ParameterNames;
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

  /** The length of a row: the number of inputs of a matrix, the size of a vector. */
  public long columns() {
    return shape[shape.length - 1];
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
    specs.add(table(ParameterNames.WTE, "token_embd", config.vocabSize(), c));
    specs.add(table(ParameterNames.WPE, "position_embd", config.nPositions(), c));
    for (int i = 0; i < config.nLayer(); i++) {
      String blk = "blk." + i + ".";
      norm(specs, inBlock(i, ParameterNames.LN_1), blk + "attn_norm", c);
      linear(specs, inBlock(i, ParameterNames.C_ATTN), blk + "attn_qkv", c, 3 * c);
      linear(specs, inBlock(i, ParameterNames.ATTN_C_PROJ), blk + "attn_output", c, c);
      norm(specs, inBlock(i, ParameterNames.LN_2), blk + "ffn_norm", c);
      linear(specs, inBlock(i, ParameterNames.C_FC), blk + "ffn_up", c, config.nInner());
      linear(specs, inBlock(i, ParameterNames.MLP_C_PROJ), blk + "ffn_down", config.nInner(), c);
    }
    norm(specs, ParameterNames.LN_F, "output_norm", c);
    if (!config.tieWordEmbeddings()) {
      specs.add(table(ParameterNames.LM_HEAD, "output", config.vocabSize(), c));
    }
    return specs;
  }

  private static WeightSpec table(String name, String ggufName, long rows, long columns) {
    return new WeightSpec(name, weight(ggufName), new long[] {rows, columns}, false);
  }

  private static void norm(List<WeightSpec> specs, String name, String ggufName, long size) {
    specs.add(vector(weight(name), weight(ggufName), size));
    specs.add(vector(bias(name), bias(ggufName), size));
  }

  private static void linear(
      List<WeightSpec> specs, String name, String ggufName, long in, long out) {
    specs.add(new WeightSpec(weight(name), weight(ggufName), new long[] {out, in}, true));
    specs.add(vector(bias(name), bias(ggufName), out));
  }

  private static WeightSpec vector(String name, String ggufName, long size) {
    return new WeightSpec(name, ggufName, new long[] {size}, false);
  }
}
