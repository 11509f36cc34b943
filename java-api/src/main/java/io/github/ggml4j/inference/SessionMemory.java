package io.github.ggml4j.inference;

import io.github.ggml4j.inference.InferenceSession.GraphKey;
import io.github.ggml4j.model.Gpt2Model;
import io.github.ggml4j.tensor.DType;
import io.github.ggml4j.tensor.Device;
import io.github.ggml4j.tensor.Graph;
import io.github.ggml4j.tensor.GraphOp;
import io.github.ggml4j.tensor.MemoryEstimate;
import io.github.ggml4j.tensor.MemoryEstimate.Part;
import io.github.ggml4j.tensor.Tensor;
import io.github.ggml4j.tensor.TensorStore;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Estimates the memory of a session: goes through the steps of a generation and measures the graphs
 * that the session would build.
 */
final class SessionMemory {
  private final Gpt2Model model;
  private final Device device;
  private final Tensor[] keys;
  private final Tensor[] values;
  private final Tensor table;

  /** Bytes of the graphs that the session would have cached, the least recently used first. */
  private final Map<GraphKey, Long> cached = new LinkedHashMap<>(16, 0.75f, true);

  private final List<List<GraphOp>> ops = new ArrayList<>();
  private long graphs;
  private long logits;

  private SessionMemory(Gpt2Model model, TensorStore cache, int capacity, int slots) {
    this.model = model;
    this.device = model.device();
    var config = model.config();
    this.keys = new Tensor[config.nLayer()];
    this.values = new Tensor[config.nLayer()];
    for (int layer = 0; layer < config.nLayer(); layer++) {
      keys[layer] = cache.add(DType.F32, capacity, config.nEmbd());
      values[layer] = cache.add(DType.F32, capacity, config.nEmbd());
    }
    this.table = cache.add(DType.I32, slots, config.nPositions());
    cache.plan();
  }

  static MemoryEstimate estimate(Gpt2Model model, int sequences, int promptLength, int length) {
    var config = model.config();
    if (sequences < 1
        || promptLength < 1
        || length < promptLength
        || length > config.nPositions()) {
      throw new IllegalArgumentException(
          sequences
              + " sequences with a prompt of "
              + promptLength
              + " tokens and a length of "
              + length
              + ", expected at least 1 of each, and a length from that of the prompt to"
              + " n_positions = "
              + config.nPositions());
    }
    long rows = promptLength + (long) sequences * (length - promptLength);
    int capacity = KvCache.capacity((int) Math.min(rows, Integer.MAX_VALUE));
    int slots = KvCache.FIRST_SLOTS;
    while (slots < sequences + 1) {
      slots *= 2;
    }
    var device = model.device();
    try (var cache = new TensorStore(device, "a cache", 2 * config.nLayer() + 1)) {
      var memory = new SessionMemory(model, cache, capacity, slots);
      memory.run(sequences, promptLength, length);
      var parts = new EnumMap<Part, Long>(Part.class);
      parts.put(Part.PARAMETERS, model.allocatedBytes());
      parts.put(Part.KV_CACHE, cache.measure());
      parts.put(Part.LOGITS, memory.logits);
      parts.put(Part.ACTIVATIONS, memory.graphs - memory.logits);
      return new MemoryEstimate(
          "generating " + sequences + " x " + length + " tokens",
          device,
          parts,
          memory.ops,
          model.allocatedBytes());
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
    var key = InferenceSession.key(device, tokens, outputs, KvCache.roundUp(rows), longest);
    if (cached.get(key) != null) {
      return;
    }
    if (cached.size() == InferenceSession.maxGraphs(device)) {
      cached.remove(cached.keySet().iterator().next());
    }
    var network = model.network();
    try (var graph = Graph.forward(device, network.maxNodes())) {
      InferenceSession.add(
          graph, network, key, table, layer -> keys[layer], layer -> values[layer]);
      cached.put(key, graph.measure());
      ops.add(graph.ops());
    }
    graphs = Math.max(graphs, cached.values().stream().mapToLong(Long::longValue).sum());
    logits =
        Math.max(
            logits,
            cached.keySet().stream().mapToLong(GraphKey::outputs).sum()
                * model.config().vocabSize()
                * Float.BYTES);
  }
}
