package io.github.ggml4j.model;

import io.github.ggml4j.nn.Activation;
import io.github.ggml4j.nn.Dropout;
import io.github.ggml4j.nn.Embedding;
import io.github.ggml4j.nn.LayerNorm;
import io.github.ggml4j.nn.Linear;
import io.github.ggml4j.nn.TokenBatch;
import io.github.ggml4j.tensor.Graph;
import io.github.ggml4j.tensor.Parameter;
import io.github.ggml4j.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
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
      Parameter ln1Weight,
      Parameter ln1Bias,
      Parameter cAttnWeight,
      Parameter cAttnBias,
      Parameter attnProjWeight,
      Parameter attnProjBias,
      Parameter ln2Weight,
      Parameter ln2Bias,
      Parameter cFcWeight,
      Parameter cFcBias,
      Parameter mlpProjWeight,
      Parameter mlpProjBias) {}

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
   * The dropouts outside of attention.
   *
   * @param dropout those of the graph
   * @param embd probability behind the embeddings, {@code embd_pdrop}
   * @param resid probability behind each output projection, {@code resid_pdrop}
   */
  public record Dropouts(Dropout dropout, float embd, float resid) {}

  private final Gpt2Config config;
  private final Activation activation;
  private final Parameter wte;
  private final Parameter wpe;
  private final List<Block> blocks;
  private final Parameter lnFWeight;
  private final Parameter lnFBias;
  private final Parameter head;

  /**
   * The network over given parameters.
   *
   * @param parameters gives the parameter of each name of {@link WeightSpec#of}
   */
  public Gpt2(Gpt2Config config, Function<String, Parameter> parameters) {
    this.config = config;
    this.activation = Activation.of(config.activationFunction());
    this.wte = parameters.apply("wte.weight");
    this.wpe = parameters.apply("wpe.weight");
    this.blocks = new ArrayList<>();
    for (int i = 0; i < config.nLayer(); i++) {
      var h = "h." + i + ".";
      blocks.add(
          new Block(
              parameters.apply(h + "ln_1.weight"),
              parameters.apply(h + "ln_1.bias"),
              parameters.apply(h + "attn.c_attn.weight"),
              parameters.apply(h + "attn.c_attn.bias"),
              parameters.apply(h + "attn.c_proj.weight"),
              parameters.apply(h + "attn.c_proj.bias"),
              parameters.apply(h + "ln_2.weight"),
              parameters.apply(h + "ln_2.bias"),
              parameters.apply(h + "mlp.c_fc.weight"),
              parameters.apply(h + "mlp.c_fc.bias"),
              parameters.apply(h + "mlp.c_proj.weight"),
              parameters.apply(h + "mlp.c_proj.bias")));
    }
    this.lnFWeight = parameters.apply("ln_f.weight");
    this.lnFBias = parameters.apply("ln_f.bias");
    this.head = config.tieWordEmbeddings() ? wte : parameters.apply("lm_head.weight");
  }

  /** What the network was built for. */
  public Gpt2Config config() {
    return config;
  }

  /** The language-modelling head, {@code wte} itself when embeddings are tied. */
  public Parameter head() {
    return head;
  }

  /**
   * The hidden states behind {@code ln_f}.
   *
   * @param tokens ids, checked to be within the vocabulary, and positions, checked to be within
   *     {@code nPositions}
   * @param dropouts null to leave dropout out
   * @return {@code (tokens, nEmbd)}
   */
  public Tensor hidden(
      Graph graph, TokenBatch tokens, AttentionLayer attention, @Nullable Dropouts dropouts) {
    return hidden(graph, tokens, attention, dropouts, (weight, x) -> {});
  }

  /** The same with an observer of what the matrices are multiplied with. */
  public Tensor hidden(
      Graph graph,
      TokenBatch tokens,
      AttentionLayer attention,
      @Nullable Dropouts dropouts,
      LinearInputs inputs) {
    float eps = (float) config.layerNormEpsilon();
    var x = Embedding.forward(graph, tokens, wte, wpe);
    if (dropouts != null) {
      x = dropouts.dropout().forward(x, dropouts.embd());
    }
    for (int layer = 0; layer < blocks.size(); layer++) {
      var block = blocks.get(layer);
      var normed = LayerNorm.forward(graph, x, block.ln1Weight(), block.ln1Bias(), eps);
      inputs.accept(block.cAttnWeight().name(), normed);
      var qkv = Linear.forward(graph, normed, block.cAttnWeight(), block.cAttnBias());
      var mixed = attention.apply(layer, qkv, attentionScale(layer));
      inputs.accept(block.attnProjWeight().name(), mixed);
      x = residual(graph, x, mixed, block.attnProjWeight(), block.attnProjBias(), dropouts);
      normed = LayerNorm.forward(graph, x, block.ln2Weight(), block.ln2Bias(), eps);
      inputs.accept(block.cFcWeight().name(), normed);
      var inner = Linear.activated(graph, normed, block.cFcWeight(), block.cFcBias(), activation);
      inputs.accept(block.mlpProjWeight().name(), inner);
      x = residual(graph, x, inner, block.mlpProjWeight(), block.mlpProjBias(), dropouts);
    }
    return LayerNorm.forward(graph, x, lnFWeight, lnFBias, eps);
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

  /** {@code x + dropout(y Wᵀ + b)}. */
  private static Tensor residual(
      Graph graph,
      Tensor x,
      Tensor y,
      Parameter weight,
      Parameter bias,
      @Nullable Dropouts dropouts) {
    if (dropouts == null || dropouts.resid() == 0) {
      return Linear.forward(graph, y, weight, bias, x);
    }
    return dropouts.dropout().forward(Linear.forward(graph, y, weight, bias), dropouts.resid(), x);
  }

  /** The logits of given hidden states: {@code (tokens, nEmbd)} to {@code (tokens, vocabSize)}. */
  public Tensor logits(Graph graph, Tensor hidden) {
    return Linear.forward(graph, hidden, head, null);
  }

  /** How many nodes a forward pass takes at most, without the head. */
  public int maxNodes() {
    return 64 * config.nLayer() + 64;
  }
}
