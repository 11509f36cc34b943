package io.github.ggml4j.inference;

import io.github.ggml4j.inference.InferenceSession.PlanKey;
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

/** What a session will take: goes through its steps and measures the graphs that it would build. */
final class SessionMemory {
  private final Gpt2Model model;
  private final Device device;
  private final Tensor[] keys;
  private final Tensor[] values;
  private final Tensor table;

  /** The graphs that a session would have, the least recently used first. */
  private final Map<PlanKey, Long> kept = new LinkedHashMap<>(16, 0.75f, true);

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
              + " tokens and "
              + length
              + " in the end, expected at least 1 of each, and a length from that of the prompt to"
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
      step(sequences, sequences, promptLength + sequences * step, promptLength + step);
    }
  }

  private void step(int tokens, int outputs, int rows, int longest) {
    var key = InferenceSession.key(device, tokens, outputs, KvCache.roundUp(rows), longest);
    if (kept.get(key) != null) {
      return;
    }
    if (kept.size() == InferenceSession.mostPlans(device)) {
      kept.remove(kept.keySet().iterator().next());
    }
    var network = model.network();
    try (var graph = Graph.forward(device, network.maxNodes())) {
      InferenceSession.add(
          graph, network, key, table, layer -> keys[layer], layer -> values[layer]);
      kept.put(key, graph.measure());
      ops.add(graph.ops());
    }
    graphs = Math.max(graphs, kept.values().stream().mapToLong(Long::longValue).sum());
    logits =
        Math.max(
            logits,
            kept.keySet().stream().mapToLong(PlanKey::outputs).sum()
                * model.config().vocabSize()
                * Float.BYTES);
  }
}
