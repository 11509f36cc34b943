package io.github.ggml4j.trainer.internal.engine;

import io.github.ggml4j.internal.SplitMix64;
import io.github.ggml4j.model.CausalForward;
import io.github.ggml4j.model.FlatLayout;
import io.github.ggml4j.model.Gpt2;
import io.github.ggml4j.model.Gpt2Config;
import io.github.ggml4j.model.Gpt2Model;
import io.github.ggml4j.model.ModelLease;
import io.github.ggml4j.model.Recompute;
import io.github.ggml4j.nn.CrossEntropy;
import io.github.ggml4j.nn.Dropout;
import io.github.ggml4j.nn.TokenBatch;
import io.github.ggml4j.tensor.DType;
import io.github.ggml4j.tensor.Device;
import io.github.ggml4j.tensor.Graph;
import io.github.ggml4j.tensor.GraphCache;
import io.github.ggml4j.tensor.MemoryEstimate;
import io.github.ggml4j.tensor.MemoryEstimate.Part;
import io.github.ggml4j.tensor.Parameter;
import io.github.ggml4j.tensor.Tensor;
import io.github.ggml4j.tensor.TensorStore;
import io.github.ggml4j.trainer.optim.Optimizer;
import io.github.ggml4j.trainer.optim.ParameterVector;
import io.github.ggml4j.trainer.optim.ParameterVector.Slice;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;

/**
 * Trains a model with graphs on its device: one graph for each batch shape (forward, backward,
 * gradients accumulated in place), and the graphs of the update (global norm, clipping, optimizer).
 *
 * <p>Labels follow Hugging Face: {@code labels[t]} is the id of the token at position t. The logits
 * at t are compared with {@code labels[t + 1]}, so the first label of a sequence is not used. The
 * loss ignores labels of {@link #IGNORED}.
 *
 * <p>Dropout depends only on the seed and the number of the batch. The same seed, device and thread
 * count give bit-identical weights. Not thread-safe. Other threads may generate with the same
 * model; they use the weights of the last finished update.
 *
 * <p><b>Memory management.</b> Owns gradients, optimizer state and graphs. The model owns the
 * weights, and cannot be closed before this is.
 */
public final class TrainingEngine implements AutoCloseable {
  /** Label of a token that the loss ignores. */
  public static final int IGNORED = CrossEntropy.IGNORE_INDEX;

  private static final int MAX_GRAPHS = 4;
  private static final int MAX_EVALUATION_GRAPHS = 2;

  /**
   * For batches with more tokens, {@link #estimate} checks a lower bound before it builds a graph.
   */
  private static final long HUGE_BATCH = 1L << 18;

  /**
   * Lower bound of the activations that a layer keeps per token for the backward pass, in multiples
   * of nEmbd: the layer's input (1), q, k, v (3) and the MLP's hidden layer (4).
   */
  private static final long KEPT_WIDTHS = 8;

  /**
   * Seed and probabilities of dropout, and what the backward pass computes again.
   *
   * @param seed of the dropout masks
   * @param embdPdrop dropout after the embeddings
   * @param residPdrop dropout after output projections
   * @param attnPdrop dropout of attention probabilities
   * @param recompute what the backward pass computes again instead of keeping it
   */
  public record Settings(
      long seed, float embdPdrop, float residPdrop, float attnPdrop, Recompute recompute) {
    /** Settings that recompute no blocks. */
    public Settings(long seed, float embdPdrop, float residPdrop, float attnPdrop) {
      this(seed, embdPdrop, residPdrop, attnPdrop, Recompute.NONE);
    }

    /** The same with another recomputation. */
    public Settings recompute(Recompute value) {
      return new Settings(seed, embdPdrop, residPdrop, attnPdrop, value);
    }

    /**
     * Settings for a model.
     *
     * @param dropout one probability for all; empty for those of the model
     */
    public static Settings of(Gpt2Config config, long seed, OptionalDouble dropout) {
      return new Settings(
          seed,
          (float) dropout.orElse(config.embdPdrop()),
          (float) dropout.orElse(config.residPdrop()),
          (float) dropout.orElse(config.attnPdrop()));
    }

    boolean drops() {
      return embdPdrop > 0 || residPdrop > 0 || attnPdrop > 0;
    }
  }

  /**
   * The result of an evaluated batch.
   *
   * @param loss sum of the cross entropies (nats) of all labelled tokens
   * @param correct number of labelled tokens that were the most likely ones
   */
  public record Evaluated(double loss, long correct) {}

  private record GraphKey(int batch, int length, boolean training) {}

  private record BatchGraph(
      Graph graph, TokenBatch tokens, CrossEntropy loss, @Nullable Dropout dropout) {}

  private final Gpt2Model model;
  private final ModelLease lease;
  private final Settings settings;
  private final TensorStore store;
  private final Gpt2 trained;
  private final Gpt2 evaluated;
  private final ParameterUpdate update;

  private final SequencedMap<String, Tensor> optimizerState;

  private final Map<String, Tensor> gradientViews;
  private final GraphCache<GraphKey, BatchGraph> graphs =
      new GraphCache<>(MAX_GRAPHS, this::build, BatchGraph::graph);

  /** Graphs of evaluations, apart so that these do not discard graphs of the training. */
  private final GraphCache<GraphKey, BatchGraph> evaluationGraphs =
      new GraphCache<>(MAX_EVALUATION_GRAPHS, this::build, BatchGraph::graph);

  private long batchCount;
  private boolean closed;

  /**
   * Prepares a model for training. Converts its weights to F32.
   *
   * @throws io.github.ggml4j.tensor.OutOfDeviceMemoryException if the device has too little memory
   *     for gradients and optimizer state
   */
  public TrainingEngine(Gpt2Model model, Optimizer optimizer, Settings settings) {
    this.model = model;
    this.settings = settings;
    var config = model.config();
    var layout = model.flatLayout();
    this.lease = model.lease("training");
    this.store =
        new TensorStore(
            model.device(), "gradients and optimizer state", layout.shapes().size() + 64);
    try {
      var weights = model.trainableWeights();
      var gradients = store.add(DType.F32, layout.elements());
      this.gradientViews = layout.views(store, gradients);
      var slices = slices(layout);
      optimizerState = addState(optimizer, store, slices);
      store.allocate();
      store.zero();
      var values = model.tensors();
      var parameters = new HashMap<String, Parameter>();
      var frozen = new HashMap<String, Parameter>();
      for (var shape : layout.shapes()) {
        var name = shape.name();
        var value = values.get(name);
        if (value == null) {
          throw new IllegalStateException("The model has no parameter " + name);
        }
        parameters.put(name, new Parameter(name, value, gradientViews.get(name)));
        frozen.put(name, new Parameter(name, value, null));
      }
      this.trained = new Gpt2(config, name -> find(parameters, name));
      this.evaluated = new Gpt2(config, name -> find(frozen, name));
      this.update =
          new ParameterUpdate(
              model.device(),
              optimizer,
              new ParameterVector(weights, gradients, slices),
              optimizerState);
    } catch (RuntimeException | Error e) {
      store.close();
      lease.close();
      throw e;
    }
  }

  private static SequencedMap<String, Tensor> addState(
      Optimizer optimizer, TensorStore store, List<Slice> slices) {
    var state = new LinkedHashMap<String, Tensor>();
    for (var spec : optimizer.state(slices)) {
      if (spec.elements() > 0) {
        state.put(spec.name(), store.add(spec.type(), spec.elements()));
      }
    }
    return state;
  }

  /** The parameters of a layout, as an optimizer sees them. */
  private static List<Slice> slices(FlatLayout layout) {
    var slices = new ArrayList<Slice>();
    for (int i = 0; i < layout.shapes().size(); i++) {
      var shape = layout.shapes().get(i);
      long first = layout.offsets().get(i);
      long end = i + 1 < layout.offsets().size() ? layout.offsets().get(i + 1) : layout.elements();
      slices.add(
          new Slice(
              shape.name(), first, end - first, Arrays.stream(shape.shape()).boxed().toList()));
    }
    return slices;
  }

  private static Parameter find(Map<String, Parameter> parameters, String name) {
    var parameter = parameters.get(name);
    if (parameter == null) {
      throw new IllegalArgumentException("There is no parameter " + name);
    }
    return parameter;
  }

  /**
   * Runs forward and backward of one batch. The loss is {@code lossScale} times the sum over all
   * labelled tokens; its gradients are added to the accumulated gradients.
   *
   * @param tokens (B, T) row-major, each a valid id
   * @param labels (B, T) row-major, each a valid id or {@link #IGNORED}
   * @param batch B
   * @param length T, at most the model's {@code n_positions}
   * @param lossScale factor on the loss: 1 / (labelled tokens of the whole step) for their mean
   * @return sum of the cross entropies (nats) of all labelled tokens, not scaled; not finite if the
   *     model has diverged
   */
  public double accumulate(int[] tokens, int[] labels, int batch, int length, float lossScale) {
    checkOpen();
    check(tokens, labels, batch, length);
    return model
        .device()
        .exclusively(() -> {
          var graph = graphs.get(new GraphKey(batch, length, true));
          if (graph.dropout() != null) {
            graph.dropout().seed(settings.seed() * SplitMix64.GAMMA + ++batchCount);
          }
          return compute(graph, tokens, shift(labels, length), lossScale);
        });
  }

  /**
   * Computes the loss without gradients and without dropout. The state of the training does not
   * change.
   *
   * @param tokens (B, T) row-major, each a valid id
   * @param labels (B, T) row-major, each a valid id or {@link #IGNORED}
   * @param batch B
   * @param length T, at most the model's {@code n_positions}
   */
  public Evaluated evaluate(int[] tokens, int[] labels, int batch, int length) {
    checkOpen();
    check(tokens, labels, batch, length);
    return model
        .device()
        .exclusively(() -> {
          var graph = evaluationGraphs.get(new GraphKey(batch, length, false));
          var shifted = shift(labels, length);
          double loss = compute(graph, tokens, shifted, 0);
          int[] predictions = graph.loss().predictions();
          long correct = 0;
          for (int i = 0; i < shifted.length; i++) {
            if (shifted[i] == predictions[i]) {
              correct++;
            }
          }
          return new Evaluated(loss, correct);
        });
  }

  /** Frees the graphs of evaluations. */
  public void evaluationDone() {
    evaluationGraphs.clear();
  }

  /**
   * Clips the accumulated gradients by their global norm, runs the optimizer, and sets the
   * gradients to zero. If the norm is not finite, weights and optimizer state stay as they were.
   *
   * @param rateFactor factor on the optimizer's base learning rates, from the schedule
   * @param clipNorm largest global norm; 0 for no clipping
   * @return the global norm before clipping
   */
  public float update(double rateFactor, float clipNorm) {
    checkOpen();
    return update.run(rateFactor, clipNorm);
  }

  /** Computes a graph and returns the sum of the losses. */
  private static double compute(BatchGraph graph, int[] tokens, int[] labels, float lossScale) {
    graph.tokens().set(tokens);
    graph.loss().labels(labels, lossScale);
    graph.graph().compute();
    double sum = 0;
    for (float loss : graph.loss().losses()) {
      sum += loss;
    }
    return sum;
  }

  private void check(int[] tokens, int[] labels, int batch, int length) {
    var config = model.config();
    if (batch < 1 || length < 1 || length > config.nPositions()) {
      throw new IllegalArgumentException(
          "Batch of "
              + batch
              + " sequences of "
              + length
              + " tokens, expected at least one of 1 to n_positions = "
              + config.nPositions());
    }
    long n = (long) batch * length;
    if (tokens.length != n || labels.length != n) {
      throw new IllegalArgumentException(
          tokens.length
              + " tokens and "
              + labels.length
              + " labels, expected "
              + batch
              + " * "
              + length);
    }
    config.checkTokens(tokens);
  }

  /** Logits at t predict the label at t + 1, as in transformers' models. */
  private static int[] shift(int[] labels, int length) {
    var shifted = new int[labels.length];
    for (int i = 0; i < labels.length; i++) {
      shifted[i] = (i + 1) % length == 0 ? IGNORED : labels[i + 1];
    }
    return shifted;
  }

  private BatchGraph build(GraphKey key) {
    var network = key.training() ? trained : evaluated;
    return newGraph(model.device(), network, key)
        .build(graph -> add(graph, network, settings, key));
  }

  private static Graph newGraph(Device device, Gpt2 network, GraphKey key) {
    int chunks = key.batch() * key.length() / 256 + 1;
    int nodes = 5 * network.maxNodes() + 48 * chunks + 256;
    return key.training() ? Graph.differentiable(device, nodes) : Graph.forward(device, nodes);
  }

  private static BatchGraph add(Graph graph, Gpt2 network, Settings settings, GraphKey key) {
    var dropout = key.training() && settings.drops() ? new Dropout(graph) : null;
    var dropouts =
        dropout == null
            ? null
            : new Gpt2.Dropouts(
                dropout, settings.embdPdrop(), settings.residPdrop(), settings.attnPdrop());
    var forward =
        CausalForward.add(
            graph,
            network,
            key.batch(),
            key.length(),
            dropouts,
            (weight, x) -> {},
            settings.recompute());
    var loss =
        key.training()
            ? new CrossEntropy(graph, forward.hidden(), network.head())
            : CrossEntropy.withPredictions(graph, forward.hidden(), network.head());
    var tape = graph.tape();
    if (tape != null) {
      tape.backward(loss.root(), loss.root());
    }
    return new BatchGraph(graph, forward.tokens(), loss, dropout);
  }

  /**
   * Estimates the device memory for training: parameters, gradients, optimizer state, and the graph
   * of one batch shape. Graphs of other shapes, for instance of shorter batches, are cached if
   * memory is left.
   *
   * @param batch number of sequences
   * @param length tokens per sequence
   */
  public static MemoryEstimate estimate(
      Gpt2Model model, Optimizer optimizer, Settings settings, int batch, int length) {
    var config = model.config();
    var device = model.device();
    var layout = model.flatLayout();
    var what = "training with batches of " + batch + " x " + length + " tokens";
    long tokens = (long) batch * length;
    long least = KEPT_WIDTHS * config.nLayer() * config.nEmbd() * Float.BYTES * tokens;
    if (tokens > HUGE_BATCH && least > device.freeMemory()) {
      // The metadata alone of such a graph may not fit into memory.
      return new MemoryEstimate(
          what + ", at least", device, Map.of(Part.ACTIVATIONS, least), List.of(), 0);
    }
    try (var weights = new TensorStore(device, "parameters", layout.shapes().size() + 1);
        var gradients = new TensorStore(device, "gradients", layout.shapes().size() + 1);
        var moments = new TensorStore(device, "optimizer state", 64)) {
      var flatValues = weights.add(DType.F32, layout.elements());
      var flatGradients = gradients.add(DType.F32, layout.elements());
      var values = layout.views(weights, flatValues);
      var views = layout.views(gradients, flatGradients);
      var slices = slices(layout);
      var state = addState(optimizer, moments, slices);
      weights.skipAllocation();
      gradients.skipAllocation();
      moments.skipAllocation();
      var parameters = new HashMap<String, Parameter>();
      values.forEach(
          (name, value) -> parameters.put(name, new Parameter(name, value, views.get(name))));
      var network = new Gpt2(config, name -> find(parameters, name));
      var key = new GraphKey(batch, length, true);
      try (var graph = newGraph(device, network, key);
          var norm = ParameterUpdate.newNormGraph(device);
          var update = ParameterUpdate.newUpdateGraph(device, optimizer, slices)) {
        add(graph, network, settings, key);
        ParameterUpdate.addNorm(norm, flatGradients);
        optimizer.addUpdate(update, new ParameterVector(flatValues, flatGradients, slices), state);
        long logits = CrossEntropy.logitsBytes(device, (long) batch * length, config.vocabSize());
        var parts = new EnumMap<Part, Long>(Part.class);
        parts.put(Part.PARAMETERS, weights.measure());
        parts.put(Part.GRADIENTS, gradients.measure());
        parts.put(Part.OPTIMIZER_STATE, moments.measure());
        parts.put(Part.ACTIVATIONS, graph.measure() - logits + norm.measure() + update.measure());
        parts.put(Part.LOGITS, logits);
        var ops = List.of(graph.ops(), norm.ops(), update.ops());
        return new MemoryEstimate(what, device, parts, ops, model.allocatedBytes());
      }
    }
  }

  /**
   * The state vectors of the optimizer by name, in its order. They and the weights of the model are
   * the state after the last update, together with {@link #batches} and {@link #updates}.
   */
  public SequencedMap<String, Tensor> optimizerState() {
    checkOpen();
    return Collections.unmodifiableSequencedMap(optimizerState);
  }

  /** Number of batches with dropout so far, on which the masks depend. */
  public long batches() {
    return batchCount;
  }

  /** Number of updates so far. */
  public long updates() {
    return update.count();
  }

  /**
   * Resumes a training whose weights and {@link #optimizerState} are restored.
   *
   * @param batches as {@link #batches} when it was saved
   * @param updates as {@link #updates} when it was saved
   */
  public void resume(long batches, long updates) {
    checkOpen();
    batchCount = batches;
    update.count(updates);
  }

  /** Gradients accumulated since the last update, by parameter name. Read-only. */
  public Map<String, Tensor> gradients() {
    checkOpen();
    return gradientViews;
  }

  /** Bytes of gradients, optimizer state and graphs. */
  public long bytes() {
    return store.bytes() + graphs.bytes() + evaluationGraphs.bytes() + update.bytes();
  }

  private void checkOpen() {
    if (closed) {
      throw new IllegalStateException("Already closed: training engine");
    }
  }

  /** Frees gradients, optimizer state and graphs. The model stays open. Idempotent. */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      graphs.close();
      evaluationGraphs.close();
      update.close();
      store.close();
      lease.close();
    }
  }
}
