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
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;

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

  /**
   * Prompts that are continued together.
   *
   * @param promptLengths tokens of each prompt
   * @param lengths tokens of its texts at the end
   * @param sequences number of texts from each prompt
   */
  @SuppressWarnings("ArrayRecordComponent") // never compared as values
  record Batch(int[] promptLengths, int[] lengths, int sequences) {
    int allSequences() {
      return Math.multiplyExact(promptLengths.length, sequences);
    }

    /** Texts that are not finished after a number of new tokens. */
    int unfinished(int newTokens) {
      return sequences * (int) unfinishedPrompts(newTokens).count();
    }

    /** Tokens of the longest text that is not finished after a number of new tokens. */
    int longest(int newTokens) {
      return newTokens + unfinishedPrompts(newTokens).map(i -> promptLengths[i]).max().orElse(0);
    }

    private IntStream unfinishedPrompts(int newTokens) {
      return IntStream.range(0, lengths.length).filter(i -> newTokens < newTokens(i));
    }

    /** Rows of the cache after a number of new tokens in each text. */
    int rows(int newTokens) {
      long rows = 0;
      for (int i = 0; i < lengths.length; i++) {
        rows += promptLengths[i] + (long) sequences * Math.min(newTokens, newTokens(i));
      }
      return (int) Math.min(rows, Integer.MAX_VALUE);
    }

    /** Tokens of a prompt up to one with an index in the concatenated prompts. */
    int promptTokensAt(int index) {
      int prompt = 0;
      int tokens = index + 1;
      while (tokens > promptLengths[prompt]) {
        tokens -= promptLengths[prompt++];
      }
      return tokens;
    }

    /** Prompts that end within a range of the concatenated prompts. */
    int promptsEnding(int start, int end) {
      int count = 0;
      int total = 0;
      for (int length : promptLengths) {
        total += length;
        count += total > start && total <= end ? 1 : 0;
      }
      return count;
    }

    int mostNewTokens() {
      return IntStream.range(0, lengths.length).map(this::newTokens).max().orElseThrow();
    }

    private int newTokens(int prompt) {
      return lengths[prompt] - promptLengths[prompt];
    }
  }

  /** The estimate for a loaded model, whose weights are allocated already. */
  static MemoryEstimate estimate(Gpt2Model model, Batch batch) {
    long weights = model.allocatedBytes();
    return estimate(model.network(), model.device(), weights, weights, batch);
  }

  /** The estimate for a model that is not loaded. */
  static MemoryEstimate estimate(
      Gpt2Config config, Map<String, DType> types, Device device, Batch batch) {
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
      return estimate(network, device, weights.measure(), 0, batch);
    }
  }

  /**
   * The estimate for a network.
   *
   * @param weights bytes of its weights
   * @param allocated how many of these bytes are allocated already
   */
  private static MemoryEstimate estimate(
      Gpt2 network, Device device, long weights, long allocated, Batch batch) {
    var config = network.config();
    check(config, batch);
    int sequences = batch.allSequences();
    int capacity = KvCache.capacity(batch.rows(Integer.MAX_VALUE));
    int slots = KvCache.FIRST_SLOTS;
    while (slots < sequences + batch.promptLengths().length) {
      slots *= 2;
    }
    try (var cache = new TensorStore(device, "a cache", 2 * config.nLayer() + 1)) {
      var memory = new SessionMemory(network, device, cache, capacity, slots);
      try {
        memory.run(batch);
      } finally {
        memory.graphs.close();
      }
      var parts = new EnumMap<Part, Long>(Part.class);
      parts.put(Part.PARAMETERS, weights);
      parts.put(Part.KV_CACHE, cache.measure());
      parts.put(Part.LOGITS, memory.logitsBytes);
      parts.put(Part.ACTIVATIONS, memory.graphBytes - memory.logitsBytes);
      return new MemoryEstimate(
          "generating "
              + sequences
              + " x "
              + Arrays.stream(batch.lengths()).max().orElse(0)
              + " tokens",
          device,
          parts,
          memory.ops,
          allocated);
    }
  }

  private static void check(Gpt2Config config, Batch batch) {
    Check.atLeast("sequences", batch.sequences(), 1);
    int most = config.nPositions();
    for (int i = 0; i < batch.lengths().length; i++) {
      int promptLength = batch.promptLengths()[i];
      int length = batch.lengths()[i];
      Check.between("promptLength", promptLength, 1, most);
      if (length < promptLength || length > most) {
        throw new InvalidArgumentException(
            "length", length, "{promptLength} = " + promptLength + " to n_positions = " + most);
      }
    }
  }

  private void run(Batch batch) {
    int promptTokens = batch.rows(0);
    for (int done = 0; done < promptTokens; done += InferenceSession.MAX_BATCH) {
      int tokens = Math.min(InferenceSession.MAX_BATCH, promptTokens - done);
      int end = done + tokens;
      int longest = tokens == 1 ? batch.promptTokensAt(done) : 0;
      step(tokens, batch.promptsEnding(done, end), end, longest);
    }
    for (int step = 1; step < batch.mostNewTokens(); step++) {
      int rows = batch.rows(step);
      int longest = batch.longest(step);
      int sequences = batch.unfinished(step);
      for (int done = 0; done < sequences; done += InferenceSession.MAX_BATCH) {
        int tokens = Math.min(InferenceSession.MAX_BATCH, sequences - done);
        step(tokens, tokens, rows, longest);
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
