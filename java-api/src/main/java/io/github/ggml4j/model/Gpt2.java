package io.github.ggml4j.model;

import static io.github.ggml4j.format.ParameterNames.bias;
import static io.github.ggml4j.format.ParameterNames.inBlock;
import static io.github.ggml4j.format.ParameterNames.weight;

import io.github.ggml4j.format.ParameterNames;
import io.github.ggml4j.nn.Activation;
import io.github.ggml4j.nn.Dropout;
import io.github.ggml4j.nn.Embedding;
import io.github.ggml4j.nn.LayerNorm;
import io.github.ggml4j.nn.Linear;
import io.github.ggml4j.nn.Lora;
import io.github.ggml4j.nn.TokenBatch;
import io.github.ggml4j.tensor.Graph;
import io.github.ggml4j.tensor.Parameter;
import io.github.ggml4j.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * GPT-2 (Radford et al. 2019), written once: prompt, decode and training differ only in the {@link
 * AttentionLayer} and the {@link Dropouts} that are passed in. Follows {@code GPT2LMHeadModel} in
 * transformers.
 *
 * <p>Immutable and thread-safe; it holds no memory of its own.
 */
public final class Gpt2 {
  private record Block(
      LayerNorm ln1, Linear cAttn, Linear attnProj, LayerNorm ln2, Linear cFc, Linear mlpProj) {}

  /** Attention of one layer between {@code c_attn} and {@code c_proj}. */
  @FunctionalInterface
  public interface AttentionLayer {
    /**
     * Adds it to the graph.
     *
     * @param layer index of the layer
     * @param qkv {@code (tokens, 3 nEmbd)}
     * @param scale factor on the scores
     * @return {@code (tokens, nEmbd)}
     */
    Tensor apply(int layer, Tensor qkv, float scale);
  }

  /** Sees what each matrix of the blocks is multiplied with. */
  @FunctionalInterface
  public interface LinearInputs {
    /**
     * Called while the graph is built, before the product is added.
     *
     * @param weight name of the matrix
     * @param x its input, {@code (tokens, in)}
     */
    void accept(String weight, Tensor x);
  }

  /**
   * The dropouts of training.
   *
   * @param dropout the op of the graph
   * @param embd probability after the embeddings, {@code embd_pdrop}
   * @param resid probability after each output projection, {@code resid_pdrop}
   * @param attn probability of attention weights, {@code attn_pdrop}; applied by the {@link
   *     AttentionLayer}
   */
  public record Dropouts(Dropout dropout, float embd, float resid, float attn) {}

  /** The nodes of a LoRA: two products and a factor, with their buffers. */
  private static final int LORA_NODES = 8;

  private final Gpt2Config config;
  private final Activation activation;
  private final Embedding embedding;
  private final List<Block> blocks;
  private final LayerNorm lnF;
  private final Linear head;

  /**
   * The network over given parameters.
   *
   * @param parameters returns the parameter of each name of {@link WeightSpec#of}
   */
  public Gpt2(Gpt2Config config, Function<String, Parameter> parameters) {
    this(config, parameters, _ -> null);
  }

  /**
   * The network over given parameters with an adapter.
   *
   * @param parameters returns the parameter of each name of {@link WeightSpec#of}
   * @param adapter returns what is added to a linear module such as {@code h.0.attn.c_attn}, or
   *     null
   */
  public Gpt2(
      Gpt2Config config,
      Function<String, Parameter> parameters,
      Function<String, @Nullable Lora> adapter) {
    var layers = new Layers(parameters, adapter, (float) config.layerNormEpsilon());
    this.config = config;
    this.activation = Activation.of(config.activationFunction());
    this.embedding =
        new Embedding(parameters.apply(ParameterNames.WTE), parameters.apply(ParameterNames.WPE));
    this.blocks = new ArrayList<>();
    for (int i = 0; i < config.nLayer(); i++) {
      blocks.add(
          new Block(
              layers.layerNorm(inBlock(i, ParameterNames.LN_1)),
              layers.linear(inBlock(i, ParameterNames.C_ATTN)),
              layers.linear(inBlock(i, ParameterNames.ATTN_C_PROJ)),
              layers.layerNorm(inBlock(i, ParameterNames.LN_2)),
              layers.linear(inBlock(i, ParameterNames.C_FC)),
              layers.linear(inBlock(i, ParameterNames.MLP_C_PROJ))));
    }
    this.lnF = layers.layerNorm(ParameterNames.LN_F);
    this.head =
        new Linear(
            config.tieWordEmbeddings() ? embedding.wte() : parameters.apply(ParameterNames.LM_HEAD),
            null);
  }

  /** Makes layers of parameters by their names. */
  private record Layers(
      Function<String, Parameter> parameters, Function<String, @Nullable Lora> adapter, float eps) {
    Linear linear(String name) {
      return new Linear(
          parameters.apply(weight(name)), parameters.apply(bias(name)), adapter.apply(name));
    }

    LayerNorm layerNorm(String name) {
      return new LayerNorm(parameters.apply(weight(name)), parameters.apply(bias(name)), eps);
    }
  }

  /** What the network was built for. */
  public Gpt2Config config() {
    return config;
  }

  /** The language-modelling head, {@code wte} itself when embeddings are tied. */
  public Parameter head() {
    return head.weight();
  }

  /**
   * The hidden states after {@code ln_f}.
   *
   * @param tokens ids, checked to be within the vocabulary, and positions, checked to be within
   *     {@code nPositions}
   * @param dropouts null to leave dropout out
   * @return {@code (tokens, nEmbd)}
   */
  public Tensor hidden(
      Graph graph, TokenBatch tokens, AttentionLayer attention, @Nullable Dropouts dropouts) {
    return hidden(graph, tokens, attention, dropouts, (weight, x) -> {}, Recompute.NONE);
  }

  /**
   * The same with an observer of what the matrices are multiplied with.
   *
   * @param recompute what the backward pass computes again; has no effect in a graph without
   *     gradients
   */
  public Tensor hidden(
      Graph graph,
      TokenBatch tokens,
      AttentionLayer attention,
      @Nullable Dropouts dropouts,
      LinearInputs inputs,
      Recompute recompute) {
    var forward = new Forward(graph, dropouts, inputs);
    var x = forward.dropped(embedding.forward(graph, tokens)); // (tokens, nEmbd)
    for (int i = 0; i < blocks.size(); i++) {
      int layer = i;
      x =
          forward.segment(
              recompute == Recompute.BLOCK,
              x,
              input -> block(forward, layer, input, attention, recompute));
    }
    return lnF.forward(graph, x);
  }

  /** One block: {@code (tokens, nEmbd)} to {@code (tokens, nEmbd)}. */
  private Tensor block(
      Forward forward, int layer, Tensor input, AttentionLayer attention, Recompute recompute) {
    var graph = forward.graph();
    var block = blocks.get(layer);
    var attended = // (tokens, nEmbd)
        forward.segment(
            recompute == Recompute.ATTENTION,
            input,
            x -> {
              var qkv = forward.linear(block.cAttn(), block.ln1().forward(graph, x));
              return attention.apply(layer, qkv, attentionScale(layer)); // of (tokens, 3 nEmbd)
            });
    var x = forward.residual(input, block.attnProj(), attended);
    var inner = // (tokens, nInner)
        forward.activated(block.cFc(), block.ln2().forward(graph, x), activation);
    return forward.residual(x, block.mlpProj(), inner);
  }

  /** A forward pass: applies layers with its dropouts, and shows their inputs to its observer. */
  private record Forward(Graph graph, @Nullable Dropouts dropouts, LinearInputs inputs) {
    /** {@code dropout(x)}. */
    Tensor dropped(Tensor x) {
      return dropouts == null ? x : dropouts.dropout().forward(x, dropouts.embd());
    }

    /** Adds ops to {@code x}, which the backward pass runs again if {@code again} is true. */
    Tensor segment(boolean again, Tensor x, UnaryOperator<Tensor> ops) {
      var tape = graph.tape();
      if (!again || tape == null) {
        return ops.apply(x);
      }
      return tape.checkpoint(x, dropouts == null ? ops : dropouts.dropout().repeatable(ops));
    }

    /** {@code x Wᵀ + b}. */
    Tensor linear(Linear layer, Tensor x) {
      inputs.accept(layer.weight().name(), x);
      return layer.forward(graph, x);
    }

    /** {@code activation(x Wᵀ + b)}. */
    Tensor activated(Linear layer, Tensor x, Activation activation) {
      inputs.accept(layer.weight().name(), x);
      return layer.forward(graph, x, activation);
    }

    /** {@code x + dropout(y Wᵀ + b)}. */
    Tensor residual(Tensor x, Linear layer, Tensor y) {
      inputs.accept(layer.weight().name(), y);
      return dropouts == null || dropouts.resid() == 0
          ? layer.forward(graph, y, x)
          : dropouts.dropout().forward(layer.forward(graph, y), dropouts.resid(), x);
    }
  }

  /**
   * {@code 1 / sqrt(head size)}, and {@code 1 / (layer + 1)} of it where the config asks for that.
   */
  private float attentionScale(int layer) {
    double scale = 1;
    if (config.scaleAttnWeights()) {
      scale /= Math.sqrt((double) config.nEmbd() / config.nHead());
    }
    if (config.scaleAttnByInverseLayerIdx()) {
      scale /= layer + 1;
    }
    return (float) scale;
  }

  /** The logits of given hidden states: {@code (tokens, nEmbd)} to {@code (tokens, vocabSize)}. */
  public Tensor logits(Graph graph, Tensor hidden) {
    return head.forward(graph, hidden);
  }

  /** How many nodes a forward pass takes at most, without the head. */
  public int maxNodes() {
    long adapted =
        blocks.stream()
            .flatMap(b -> Stream.of(b.cAttn, b.attnProj, b.cFc, b.mlpProj))
            .filter(layer -> layer.lora() != null)
            .count();
    return 64 * config.nLayer() + 64 + LORA_NODES * (int) adapted;
  }
}
