package io.github.ggml4j.trainer.engine;

import io.github.ggml4j.internal.SplitMix64;
import io.github.ggml4j.model.FlatLayout;
import io.github.ggml4j.model.Gpt2;
import io.github.ggml4j.model.Gpt2Model;
import io.github.ggml4j.nn.Attention;
import io.github.ggml4j.nn.CausalBatch;
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
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Trains a model with graphs on its device: a micro-step graph (forward, backward, gradients added
 * up in place) and an update (global norm, clipping, optimizer).
 *
 * <p>Graphs are built once for each shape of batch. Same seed, device and thread count give the
 * same weights to the last bit. Not thread-safe; generation with the same model may run on other
 * threads and sees the weights of the last finished update.
 *
 * <p><b>Memory management.</b> Owns gradients, optimizer state and graphs; the weights stay the
 * model's.
 */
public final class GraphTrainingEngine implements TrainingEngine {
  private static final int MAX_PLANS = 4;
  private static final int CHUNK = 1 << 20;

  /** Tokens of a batch whose graph is not described just to find that it does not fit. */
  private static final long HUGE_BATCH = 1L << 18;

  /**
   * How many vectors of nEmbd each layer keeps of each token, at least: q, k, v, the MLP's four.
   */
  private static final long KEPT_WIDTHS = 8;

  /**
   * How to train.
   *
   * @param seed of the dropout masks
   * @param embdPdrop dropout behind the embeddings
   * @param residPdrop dropout behind output projections
   * @param attnPdrop dropout of attention probabilities
   */
  public record Settings(long seed, float embdPdrop, float residPdrop, float attnPdrop) {
    boolean drops() {
      return embdPdrop > 0 || residPdrop > 0 || attnPdrop > 0;
    }
  }

  private record PlanKey(int batch, int length, boolean padded, boolean training) {}

  private record Plan(
      Graph graph,
      TokenBatch tokens,
      CausalBatch batch,
      CrossEntropy loss,
      @Nullable Dropout dropout) {}

  private final Gpt2Model model;
  private final Settings settings;
  private final TensorStore store;
  private final Tensor gradients;
  private final Gpt2 trained;
  private final Gpt2 evaluated;
  private final OptimizerState optimizer;

  /** What training changes: the weights and the optimizer's state. */
  private final List<Tensor> trainedTensors;

  private final Map<String, Tensor> gradientViews;
  private final GraphCache<PlanKey, Plan> plans =
      new GraphCache<>(MAX_PLANS, this::build, Plan::graph);
  private long microSteps;
  private boolean closed;

  /**
   * Prepares a model for training; its weights become F32.
   *
   * @throws io.github.ggml4j.tensor.OutOfDeviceMemoryException when the device has not enough for
   *     gradients and optimizer state
   */
  public GraphTrainingEngine(Gpt2Model model, UpdateRule rule, Settings settings) {
    this.model = model;
    this.settings = settings;
    var config = model.config();
    var layout = FlatLayout.of(config);
    var weights = model.trainableWeights();
    this.store =
        new TensorStore(
            model.device(), "gradients and optimizer state", layout.shapes().size() + 16);
    try {
      this.gradients = store.add(DType.F32, layout.elements());
      this.gradientViews = layout.views(store, gradients);
      var state = rule.declare(store, layout);
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
      this.optimizer = new OptimizerState(model.device(), rule, layout, weights, gradients, state);
      this.trainedTensors = Stream.concat(Stream.of(weights), state.stream()).toList();
    } catch (RuntimeException | Error e) {
      store.close();
      throw e;
    }
  }

  private static Parameter find(Map<String, Parameter> parameters, String name) {
    var parameter = parameters.get(name);
    if (parameter == null) {
      throw new IllegalArgumentException("There is no parameter " + name);
    }
    return parameter;
  }

  @Override
  public MicroStep accumulate(
      int[] tokens,
      int[] labels,
      int @Nullable [] attentionMask,
      int batch,
      int length,
      float lossScale) {
    return run(tokens, labels, attentionMask, batch, length, lossScale, true);
  }

  @Override
  public MicroStep evaluate(
      int[] tokens, int[] labels, int @Nullable [] attentionMask, int batch, int length) {
    return run(tokens, labels, attentionMask, batch, length, 0, false);
  }

  @Override
  public float update(float learningRate, float clipNorm) {
    checkOpen();
    return optimizer.update(learningRate, clipNorm);
  }

  private MicroStep run(
      int[] tokens,
      int[] labels,
      int @Nullable [] attentionMask,
      int batch,
      int length,
      float lossScale,
      boolean training) {
    checkOpen();
    check(tokens, labels, attentionMask, batch, length);
    return model
        .device()
        .exclusively(() -> {
          var plan = plans.get(new PlanKey(batch, length, attentionMask != null, training));
          plan.tokens().set(tokens);
          plan.batch().attentionMask(attentionMask);
          var shifted = shift(labels, length);
          plan.loss().labels(shifted, lossScale);
          if (plan.dropout() != null) {
            plan.dropout().seed(settings.seed() * SplitMix64.GAMMA + ++microSteps);
          }
          plan.graph().compute();
          double sum = 0;
          for (float loss : plan.loss().losses()) {
            sum += loss;
          }
          int count = 0;
          for (int label : shifted) {
            if (label != CrossEntropy.IGNORE_INDEX) {
              count++;
            }
          }
          return new MicroStep(sum, count);
        });
  }

  private void check(
      int[] tokens, int[] labels, int @Nullable [] attentionMask, int batch, int length) {
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
    if (tokens.length != n
        || labels.length != n
        || (attentionMask != null && attentionMask.length != n)) {
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

  /** Logits at t predict the label at t + 1, as transformers does inside of its models. */
  private static int[] shift(int[] labels, int length) {
    var shifted = new int[labels.length];
    for (int i = 0; i < labels.length; i++) {
      shifted[i] = (i + 1) % length == 0 ? CrossEntropy.IGNORE_INDEX : labels[i + 1];
    }
    return shifted;
  }

  private Plan build(PlanKey key) {
    var graph = newGraph(model.device(), trained, key);
    try {
      var plan = add(graph, key.training() ? trained : evaluated, settings, key);
      graph.build();
      return plan;
    } catch (RuntimeException | Error e) {
      graph.close();
      throw e;
    }
  }

  private static Graph newGraph(Device device, Gpt2 network, PlanKey key) {
    int chunks = key.batch() * key.length() / 256 + 1;
    int nodes = 4 * network.maxNodes() + 48 * chunks + 256;
    return key.training() ? Graph.differentiable(device, nodes) : Graph.forward(device, nodes);
  }

  private static Plan add(Graph graph, Gpt2 network, Settings settings, PlanKey key) {
    var tokens = TokenBatch.sequences(graph, key.batch(), key.length());
    var batch = new CausalBatch(graph, key.batch(), key.length(), key.padded());
    var dropout = key.training() && settings.drops() ? new Dropout(graph) : null;
    int heads = network.config().nHead();
    var hidden =
        network.hidden(
            graph,
            tokens,
            (layer, qkv, scale) ->
                Attention.causal(graph, qkv, heads, scale, batch, dropout, settings.attnPdrop()),
            dropout == null
                ? null
                : new Gpt2.Dropouts(dropout, settings.embdPdrop(), settings.residPdrop()));
    var loss = new CrossEntropy(graph, hidden, network.head());
    var tape = graph.tape();
    if (tape != null) {
      tape.backward(loss.root(), loss.root());
    }
    return new Plan(graph, tokens, batch, loss, dropout);
  }

  /**
   * What training takes of the device's memory: parameters, gradients, optimizer state, and the
   * graph of one shape of batch. Graphs of other shapes, such as of shorter batches, stay beside it
   * while there is room.
   *
   * @param batch sequences
   * @param length tokens of each
   */
  public static MemoryEstimate estimate(
      Gpt2Model model, UpdateRule rule, Settings settings, int batch, int length) {
    var config = model.config();
    var device = model.device();
    var layout = FlatLayout.of(config);
    var what = "training with batches of " + batch + " x " + length + " tokens";
    long tokens = (long) batch * length;
    long least = KEPT_WIDTHS * config.nLayer() * config.nEmbd() * Float.BYTES * tokens;
    if (tokens > HUGE_BATCH && least > device.freeMemory()) {
      // Even the description of such a graph may not fit.
      return new MemoryEstimate(what + ", at least", device, Map.of(Part.ACTIVATIONS, least), 0);
    }
    try (var weights = new TensorStore(device, "parameters", layout.shapes().size() + 1);
        var gradients = new TensorStore(device, "gradients", layout.shapes().size() + 1);
        var moments = new TensorStore(device, "optimizer state", 16)) {
      var flatValues = weights.add(DType.F32, layout.elements());
      var flatGradients = gradients.add(DType.F32, layout.elements());
      var values = layout.views(weights, flatValues);
      var views = layout.views(gradients, flatGradients);
      var state = rule.declare(moments, layout);
      weights.plan();
      gradients.plan();
      moments.plan();
      var parameters = new HashMap<String, Parameter>();
      values.forEach(
          (name, value) -> parameters.put(name, new Parameter(name, value, views.get(name))));
      var network = new Gpt2(config, name -> find(parameters, name));
      var key = new PlanKey(batch, length, false, true);
      try (var graph = newGraph(device, network, key);
          var norm = OptimizerState.newNormGraph(device);
          var update = OptimizerState.newUpdateGraph(device, rule, layout)) {
        add(graph, network, settings, key);
        OptimizerState.addNorm(norm, flatGradients);
        OptimizerState.addUpdate(update, rule, layout, flatValues, flatGradients, state);
        long logits = CrossEntropy.logitsBytes(device, (long) batch * length, config.vocabSize());
        var parts = new EnumMap<Part, Long>(Part.class);
        parts.put(Part.PARAMETERS, weights.measure());
        parts.put(Part.GRADIENTS, gradients.measure());
        parts.put(Part.OPTIMIZER_STATE, moments.measure());
        parts.put(Part.ACTIVATIONS, graph.measure() - logits + norm.measure() + update.measure());
        parts.put(Part.LOGITS, logits);
        parts.put(
            Part.TEMPORARY, device.temporaryBytes(List.of(graph.ops(), norm.ops(), update.ops())));
        return new MemoryEstimate(what, device, parts, model.allocatedBytes());
      }
    }
  }

  /**
   * Writes what it takes to go on from the last update: weights, optimizer state and counters.
   *
   * @throws IOException when the stream cannot be written
   */
  public void save(DataOutput out) throws IOException {
    checkOpen();
    out.writeLong(microSteps);
    out.writeLong(optimizer.step());
    byte[] chunk = new byte[CHUNK];
    try (var arena = Arena.ofConfined()) {
      var buffer = arena.allocate(CHUNK);
      for (var tensor : trainedTensors) {
        out.writeLong(tensor.bytes());
        for (long at = 0; at < tensor.bytes(); at += CHUNK) {
          int count = (int) Math.min(CHUNK, tensor.bytes() - at);
          tensor.get(buffer, at, count);
          MemorySegment.copy(buffer, 0, MemorySegment.ofArray(chunk), 0, count);
          out.write(chunk, 0, count);
        }
      }
    }
  }

  /**
   * Goes on from what {@link #save} wrote for the same model and optimizer.
   *
   * @throws IOException when it is of others, or cannot be read; the weights may have changed then
   */
  public void restore(DataInput in) throws IOException {
    checkOpen();
    microSteps = in.readLong();
    optimizer.step(in.readLong());
    byte[] chunk = new byte[CHUNK];
    try (var arena = Arena.ofConfined()) {
      var buffer = arena.allocate(CHUNK);
      for (var tensor : trainedTensors) {
        long bytes = in.readLong();
        if (bytes != tensor.bytes()) {
          throw new IOException("it has " + bytes + " bytes where this has " + tensor.bytes());
        }
        for (long at = 0; at < bytes; at += CHUNK) {
          int count = (int) Math.min(CHUNK, bytes - at);
          in.readFully(chunk, 0, count);
          MemorySegment.copy(MemorySegment.ofArray(chunk), 0, buffer, 0, count);
          tensor.set(buffer, at, count);
        }
      }
    }
  }

  /** Gradients added up since the last update, by parameter name; for reading. */
  public Map<String, Tensor> gradients() {
    checkOpen();
    return gradientViews;
  }

  /** Bytes of gradients, optimizer state and graphs. */
  public long bytes() {
    return store.bytes() + plans.bytes() + optimizer.bytes();
  }

  private void checkOpen() {
    if (closed) {
      throw new IllegalStateException("Already closed: training engine");
    }
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      plans.close();
      optimizer.close();
      store.close();
    }
  }
}
