package io.github.ggml4j.inference;

import io.github.ggml4j.error.InvalidArgumentException;
import io.github.ggml4j.inference.InferenceSession.GraphKey;
import io.github.ggml4j.internal.Check;
import io.github.ggml4j.model.Gpt2;
import io.github.ggml4j.model.Gpt2Config;
import io.github.ggml4j.model.Gpt2Model;
import io.github.ggml4j.model.WeightSpec;
import io.github.ggml4j.tensor.DType;
import io.github.ggml4j.tensor.Device;
import io.github.ggml4j.tensor.Graph;
import io.github.ggml4j.tensor.GraphCache;
import io.github.ggml4j.tensor.GraphOp;
import io.github.ggml4j.tensor.MemoryEstimate;
import io.github.ggml4j.tensor.MemoryEstimate.Part;
import io.github.ggml4j.tensor.Parameter;
import io.github.ggml4j.tensor.Tensor;
import io.github.ggml4j.tensor.TensorStore;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Estimates the memory of a session: goes through the steps of a generation and measures the graphs
 * that the session would build.
 */
final class SessionMemory {
  private final Gpt2 network;
  private final Device device;
  private final Tensor[] keys;
  private final Tensor[] values;
  private final Tensor table;

  /** The graphs that the session would have cached. */
  private final GraphCache<GraphKey, MeasuredGraph> graphs;

  private final List<List<GraphOp>> ops = new ArrayList<>();

  /** The most bytes of all cached graphs. */
  private long graphBytes;

  /** The most bytes of their logits. */
  private long logitsBytes;

  /**
   * A graph that is not built.
   *
   * @param bytes bytes that it takes when it is built
   * @param logitsBytes bytes of its logits, which are part of these
   */
  private record MeasuredGraph(Graph graph, long bytes, long logitsBytes) {}

  private SessionMemory(Gpt2 network, Device device, TensorStore cache, int capacity, int slots) {
    this.network = network;
    this.device = device;
    var config = network.config();
    this.keys = new Tensor[config.nLayer()];
    this.values = new Tensor[config.nLayer()];
    for (int layer = 0; layer < config.nLayer(); layer++) {
      keys[layer] = cache.add(DType.F32, capacity, config.nEmbd());
      values[layer] = cache.add(DType.F32, capacity, config.nEmbd());
    }
    this.table = cache.add(DType.I32, slots, config.nPositions());
    cache.skipAllocation();
    this.graphs =
        new GraphCache<>(InferenceSession.maxGraphs(device), this::measure, MeasuredGraph::graph);
  }

  /** The estimate for a loaded model, whose weights are allocated already. */
  static MemoryEstimate estimate(Gpt2Model model, int sequences, int promptLength, int length) {
    long weights = model.allocatedBytes();
    return estimate(
        model.network(), model.device(), weights, weights, sequences, promptLength, length);
  }

  /** The estimate for a model that is not loaded. */
  static MemoryEstimate estimate(
      Gpt2Config config,
      Map<String, DType> types,
      Device device,
      int sequences,
      int promptLength,
      int length) {
    var specs = WeightSpec.of(config);
    try (var weights = new TensorStore(device, "weights", specs.size())) {
      var tensors = new HashMap<String, Tensor>();
      for (var spec : specs) {
        var type = types.getOrDefault(spec.name(), DType.F32);
        tensors.put(spec.name(), weights.add(type, spec.shape()));
      }
      weights.skipAllocation();
      var network =
          new Gpt2(
              config, name -> new Parameter(name, Objects.requireNonNull(tensors.get(name)), null));
      return estimate(network, device, weights.measure(), 0, sequences, promptLength, length);
    }
  }

  /**
   * The estimate for a network.
   *
   * @param weights bytes of its weights
   * @param allocated how many of these bytes are allocated already
   */
  private static MemoryEstimate estimate(
      Gpt2 network,
      Device device,
      long weights,
      long allocated,
      int sequences,
      int promptLength,
      int length) {
    var config = network.config();
    check(config, sequences, promptLength, length);
    long rows = promptLength + (long) sequences * (length - promptLength);
    int capacity = KvCache.capacity((int) Math.min(rows, Integer.MAX_VALUE));
    int slots = KvCache.FIRST_SLOTS;
    while (slots < sequences + 1) {
      slots *= 2;
    }
    try (var cache = new TensorStore(device, "a cache", 2 * config.nLayer() + 1)) {
      var memory = new SessionMemory(network, device, cache, capacity, slots);
      try {
        memory.run(sequences, promptLength, length);
      } finally {
        memory.graphs.close();
      }
      var parts = new EnumMap<Part, Long>(Part.class);
      parts.put(Part.PARAMETERS, weights);
      parts.put(Part.KV_CACHE, cache.measure());
      parts.put(Part.LOGITS, memory.logitsBytes);
      parts.put(Part.ACTIVATIONS, memory.graphBytes - memory.logitsBytes);
      return new MemoryEstimate(
          "generating " + sequences + " x " + length + " tokens",
          device,
          parts,
          memory.ops,
          allocated);
    }
  }

  private static void check(Gpt2Config config, int sequences, int promptLength, int length) {
    Check.atLeast("sequences", sequences, 1);
    int most = config.nPositions();
    Check.between("promptLength", promptLength, 1, most);
    if (length < promptLength || length > most) {
      throw new InvalidArgumentException(
          "length", length, "{promptLength} = " + promptLength + " to n_positions = " + most);
    }
  }

  private void run(int sequences, int promptLength, int length) {
    for (int done = 0; done < promptLength; done += InferenceSession.MAX_BATCH) {
      int tokens = Math.min(InferenceSession.MAX_BATCH, promptLength - done);
      int end = done + tokens;
      step(tokens, end == promptLength ? 1 : 0, end, tokens == 1 ? end : 0);
    }
    for (int step = 1; step < length - promptLength; step++) {
      int rows = (int) Math.min(promptLength + (long) sequences * step, Integer.MAX_VALUE);
      for (int done = 0; done < sequences; done += InferenceSession.MAX_BATCH) {
        int tokens = Math.min(InferenceSession.MAX_BATCH, sequences - done);
        step(tokens, tokens, rows, promptLength + step);
      }
    }
  }

  private void step(int tokens, int outputs, int rows, int longest) {
    graphs.get(InferenceSession.key(device, tokens, outputs, KvCache.roundUp(rows), longest));
    var cached = graphs.values();
    graphBytes = Math.max(graphBytes, cached.stream().mapToLong(MeasuredGraph::bytes).sum());
    logitsBytes =
        Math.max(logitsBytes, cached.stream().mapToLong(MeasuredGraph::logitsBytes).sum());
  }

  private MeasuredGraph measure(GraphKey key) {
    var graph = Graph.forward(device, network.maxNodes());
    try {
      InferenceSession.add(
          graph, network, key, table, layer -> keys[layer], layer -> values[layer]);
      ops.add(graph.ops());
      long logits = (long) key.outputs() * network.config().vocabSize() * Float.BYTES;
      return new MeasuredGraph(graph, graph.measure(), logits);
    } catch (RuntimeException | Error e) {
      graph.close();
      throw e;
    }
  }
}
