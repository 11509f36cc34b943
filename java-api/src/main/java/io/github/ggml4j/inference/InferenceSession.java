package io.github.ggml4j.inference;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.github.ggml4j.error.InvalidArgumentException;
import io.github.ggml4j.model.Gpt2;
import io.github.ggml4j.model.Gpt2Config;
import io.github.ggml4j.model.Gpt2Model;
import io.github.ggml4j.model.ModelLease;
import io.github.ggml4j.nn.CacheAccess;
import io.github.ggml4j.nn.CachedAttention;
import io.github.ggml4j.nn.TokenBatch;
import io.github.ggml4j.tensor.DType;
import io.github.ggml4j.tensor.Device;
import io.github.ggml4j.tensor.Graph;
import io.github.ggml4j.tensor.GraphCache;
import io.github.ggml4j.tensor.MemoryEstimate;
import io.github.ggml4j.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * Computes the logits of growing sequences of tokens with one model, and caches the keys and values
 * of earlier tokens.
 *
 * <p>All sequences of a {@link #step} are computed together. A fork shares the cache rows of the
 * sequence that it was forked from, so a prompt is computed and cached once for all its
 * continuations. A graph is built once for each number of tokens and cached.
 *
 * <p>Thread-safe: calls from several threads wait for each other, and {@link #close} waits for a
 * running step. Several sessions of one model may run on different threads; the device computes one
 * step at a time.
 *
 * <p><b>Memory management.</b> Owns its graphs and its cache, {@code 2 nLayer nEmbd} floats for
 * each token, which grows as needed. Close it before the model.
 */
public final class InferenceSession implements Decoder {
  /**
   * The most tokens of one graph. Longer prompts are computed in chunks, which limits the memory of
   * a graph and the time until a cancellation takes effect.
   */
  static final int MAX_BATCH = 512;

  private static final int MAX_GRAPHS = 16;

  /**
   * The most graphs on devices where each graph is built for a number of cache rows: as sequences
   * grow, graphs for fewer rows are not needed again.
   */
  private static final int MAX_GRAPHS_BY_ROWS = 4;

  private final Gpt2Model model;
  private final @Nullable String adapter;
  private final ModelLease lease;
  private final Gpt2Config config;
  private final KvCache cache;
  private final GraphCache<GraphKey, StepGraph> graphs;
  private @Nullable Gpt2 graphsOf;
  private Arena logitsArena = Arena.ofShared();
  private MemorySegment logits = MemorySegment.NULL;
  private int logitsRows;
  private boolean closed;

  /**
   * The values that a graph is built for.
   *
   * @param tokens number of new tokens
   * @param outputs number of tokens whose logits are computed
   * @param access the cache rows that are read
   */
  record GraphKey(int tokens, int outputs, CacheAccess access) {}

  /**
   * A graph that computes some tokens, with its inputs and outputs.
   *
   * @param outputs {@code (outputs)} I32: indices of the tokens whose logits are computed; null if
   *     logits are computed for all tokens or for none
   * @param logits {@code (outputs, V)}; null if no logits are computed
   */
  record StepGraph(
      Graph graph,
      TokenBatch tokens,
      CachedAttention attention,
      @Nullable Tensor outputs,
      @Nullable Tensor logits) {}

  private InferenceSession(
      Gpt2Model model, int expectedTokens, String user, @Nullable String adapter) {
    model.network(adapter); // fails if there is no such adapter
    this.model = model;
    this.adapter = adapter;
    this.config = model.config();
    this.lease = model.lease(user);
    try {
      this.cache = new KvCache(config, model.device(), expectedTokens);
    } catch (RuntimeException | Error e) {
      lease.close();
      throw e;
    }
    this.graphs = new GraphCache<>(maxGraphs(model.device()), this::build, StepGraph::graph);
  }

  /** Opens a session with a cache for a few tokens, which grows as needed. */
  public static InferenceSession open(Gpt2Model model) {
    return open(model, 0);
  }

  /**
   * Opens a session over a model. The model cannot be closed before the session.
   *
   * @param expectedTokens initial capacity of the cache in tokens; tokens that sequences share
   *     count once
   */
  public static InferenceSession open(Gpt2Model model, int expectedTokens) {
    return open(model, expectedTokens, "inference session");
  }

  /**
   * As {@link #open(Gpt2Model, int)}, with the name that the model shows if it is closed too early.
   *
   * @param user what uses the model, in the singular; see {@link Gpt2Model#lease}
   */
  public static InferenceSession open(Gpt2Model model, int expectedTokens, String user) {
    return open(model, expectedTokens, user, null);
  }

  /**
   * As {@link #open(Gpt2Model, int, String)}, with an adapter of the model.
   *
   * @param adapter its name; null for none
   * @throws InvalidArgumentException if the model has no such adapter
   */
  public static InferenceSession open(
      Gpt2Model model, int expectedTokens, String user, @Nullable String adapter) {
    return new InferenceSession(model, expectedTokens, user, adapter);
  }

  /**
   * Computes the logits that follow each token of a text.
   *
   * @param tokens 1 to {@code nPositions} ids
   * @return {@code (tokens, vocabSize)}
   */
  public static float[][] logits(Gpt2Model model, int... tokens) {
    try (var session = open(model, tokens.length)) {
      session.stepAll(new int[] {session.newSequence()}, new int[][] {tokens});
      var result = new float[tokens.length][session.vocabSize()];
      for (int i = 0; i < tokens.length; i++) {
        session.logits(i, result[i]);
      }
      return result;
    }
  }

  /**
   * Estimates the device memory of a generation: the weights, the cache of keys and values, and the
   * graphs.
   *
   * @param sequences number of texts that are continued together, from one prompt; at least 1
   * @param promptLength tokens of the prompt, 1 to {@code nPositions}
   * @param length tokens of each text at the end, {@code promptLength} to {@code nPositions}
   */
  public static MemoryEstimate estimateMemory(
      Gpt2Model model, int sequences, int promptLength, int length) {
    return estimateMemory(model, new int[] {promptLength}, new int[] {length}, sequences);
  }

  /**
   * As {@link #estimateMemory(Gpt2Model, int, int, int)} for several prompts that are continued in
   * one batch.
   *
   * @param promptLengths tokens of each prompt, 1 to {@code nPositions}
   * @param lengths tokens of its texts at the end, its prompt included
   * @param sequences number of texts that are continued from each prompt; at least 1
   */
  public static MemoryEstimate estimateMemory(
      Gpt2Model model, int[] promptLengths, int[] lengths, int sequences) {
    if (promptLengths.length == 0 || promptLengths.length != lengths.length) {
      throw new InvalidArgumentException(
          "lengths",
          lengths.length + " elements",
          "one for each prompt, and at least one; there are " + promptLengths.length);
    }
    return SessionMemory.estimate(
        model, new SessionMemory.Batch(promptLengths.clone(), lengths.clone(), sequences));
  }

  /**
   * As {@link #estimateMemory(Gpt2Model, int, int, int)} for a model that is not loaded; no weights
   * are allocated.
   *
   * @param types the type of each weight by name, as of {@code Quantization.types}; F32 for weights
   *     that are not in it
   */
  public static MemoryEstimate estimateMemory(
      Gpt2Config config,
      Map<String, DType> types,
      Device device,
      int sequences,
      int promptLength,
      int length) {
    var batch = new SessionMemory.Batch(new int[] {promptLength}, new int[] {length}, sequences);
    return SessionMemory.estimate(config, types, device, batch);
  }

  /** Adds an empty sequence; returns its id. */
  @Override
  public synchronized int newSequence() {
    checkOpen();
    return cache.newSequence();
  }

  /** Adds a sequence with the tokens and cache rows of another; returns its id. */
  @Override
  public synchronized int fork(int sequence) {
    checkOpen();
    return cache.fork(sequence);
  }

  /** Removes a sequence and frees the cache rows that no other sequence shares. */
  @Override
  public synchronized void release(int sequence) {
    checkOpen();
    cache.release(sequence);
  }

  /**
   * Gives sequences the tokens of others, all at once: {@code sequences[i]} becomes what {@code
   * parents[i]} was before the call. For beam search.
   */
  @Override
  public synchronized void reassign(int[] sequences, int[] parents) {
    checkOpen();
    if (sequences.length != parents.length) {
      throw new IllegalArgumentException(
          sequences.length
              + " sequences and "
              + parents.length
              + " parents, expected equal numbers");
    }
    cache.reassign(sequences, parents);
  }

  /** The number of tokens of a sequence. */
  public synchronized int length(int sequence) {
    checkOpen();
    return cache.length(sequence);
  }

  /** The maximum number of tokens of a sequence: {@code nPositions}. */
  public int maxLength() {
    return config.nPositions();
  }

  /** Number of logits per token. */
  public int vocabSize() {
    return config.vocabSize();
  }

  /**
   * Appends tokens to sequences and computes the logits that follow the last token of each.
   *
   * @param sequences ids, all different
   * @param tokens at least one token for each of them
   * @throws IllegalArgumentException for an unknown sequence, a token id out of range, or a
   *     sequence that would exceed {@link #maxLength()}; nothing is appended then
   * @throws CancellationException if the thread is interrupted between chunks of a long prompt; the
   *     sequences are then incomplete and should be released
   */
  @Override
  public synchronized void step(int[] sequences, int[][] tokens) {
    checkOpen();
    check(sequences, tokens);
    run(sequences, tokens, false);
  }

  /**
   * As {@link #step}, but computes the logits that follow each of the tokens. The index that {@link
   * #logits} takes then counts the tokens of all sequences, in their order.
   */
  @Override
  public synchronized void stepAll(int[] sequences, int[][] tokens) {
    checkOpen();
    check(sequences, tokens);
    run(sequences, tokens, true);
  }

  /**
   * Shortens a sequence and frees the cache rows of the removed tokens.
   *
   * @param length number of tokens to keep, at most {@link #length}
   * @throws IllegalArgumentException if the sequence is unknown or has fewer tokens
   */
  @Override
  public synchronized void truncate(int sequence, int length) {
    checkOpen();
    cache.truncate(sequence, length);
  }

  /**
   * Copies logits of the last step.
   *
   * @param index index of a sequence of the last {@link #step}, or of a token of the last {@link
   *     #stepAll}
   * @param out receives {@code vocabSize} values
   */
  @Override
  public synchronized void logits(int index, float[] out) {
    checkOpen();
    if (index < 0 || index >= logitsRows) {
      throw new IndexOutOfBoundsException(
          "index is " + index + "; the last step computed " + logitsRows + " rows of logits");
    }
    if (out.length < config.vocabSize()) {
      throw new IllegalArgumentException(
          "out has "
              + out.length
              + " elements, expected at least vocab_size = "
              + config.vocabSize());
    }
    MemorySegment.copy(
        logits, JAVA_FLOAT, 4L * index * config.vocabSize(), out, 0, config.vocabSize());
  }

  private void check(int[] sequences, int[][] tokens) {
    if (sequences.length == 0 || sequences.length != tokens.length) {
      throw new IllegalArgumentException(
          sequences.length
              + " sequences and "
              + tokens.length
              + " token arrays, expected equal numbers, at least 1");
    }
    var seen = new HashSet<Integer>();
    for (int i = 0; i < sequences.length; i++) {
      if (!seen.add(sequences[i])) {
        throw new InvalidArgumentException(
            "sequences[" + i + "]", sequences[i], "each sequence at most once");
      }
      int length = cache.length(sequences[i]);
      if (tokens[i].length == 0) {
        throw new InvalidArgumentException(
            "tokens[" + i + "]", "empty", "at least one token for sequence " + sequences[i]);
      }
      if (tokens[i].length > config.nPositions() - length) {
        throw new IllegalArgumentException(
            "Sequence "
                + sequences[i]
                + " would have "
                + ((long) length + tokens[i].length)
                + " tokens, this model has n_positions = "
                + config.nPositions()
                + ". Shorten the prompt or generate fewer tokens.");
      }
      config.checkTokens(tokens[i]);
    }
  }

  private void run(int[] sequences, int[][] tokens, boolean all) {
    int total = Arrays.stream(tokens).mapToInt(t -> t.length).sum();
    model
        .device()
        .exclusively(() -> {
          cache.reserve(total);
          discardStaleGraphs(model.network(adapter));
          prepareLogits(all ? total : sequences.length);
          int done = 0;
          var chunk = new Chunk(Math.min(total, MAX_BATCH));
          for (int i = 0; i < sequences.length; i++) {
            for (int j = 0; j < tokens[i].length; j++) {
              int position = cache.length(sequences[i]);
              int row = cache.append(sequences[i]);
              boolean output = all || j == tokens[i].length - 1;
              chunk.add(tokens[i][j], position, row, sequences[i], output ? (all ? done : i) : -1);
              done++;
              if (chunk.size == chunk.tokens.length || done == total) {
                compute(chunk);
                chunk = new Chunk(Math.min(total - done, MAX_BATCH));
                if (done < total && Thread.currentThread().isInterrupted()) {
                  throw new CancellationException(
                      "Interrupted after " + done + " of " + total + " prompt tokens");
                }
              }
            }
          }
          return null;
        });
  }

  /** The tokens that one graph computes together. */
  private static final class Chunk {
    final int[] tokens;
    final int[] positions;
    final int[] rows;
    final int[] sequences;

    /** Indices of the tokens whose logits are computed. */
    final List<Integer> outputs = new ArrayList<>();

    /** For each of these tokens, the row of the session's logits. */
    final List<Integer> targets = new ArrayList<>();

    int size;

    Chunk(int capacity) {
      tokens = new int[capacity];
      positions = new int[capacity];
      rows = new int[capacity];
      sequences = new int[capacity];
    }

    /** Whether all tokens belong to different sequences. */
    boolean distinct() {
      return Arrays.stream(sequences).distinct().count() == size;
    }

    /**
     * Adds a token.
     *
     * @param target row of its logits; -1 if they are not computed
     */
    void add(int token, int position, int row, int sequence, int target) {
      tokens[size] = token;
      positions[size] = position;
      rows[size] = row;
      sequences[size] = sequence;
      if (target >= 0) {
        outputs.add(size);
        targets.add(target);
      }
      size++;
    }
  }

  private void compute(Chunk chunk) {
    cache.uploadTable();
    var step = graphs.get(key(chunk));
    step.tokens().set(chunk.tokens, chunk.positions);
    step.attention().set(chunk.rows, chunk.sequences, chunk.positions, cache::row);
    if (step.outputs() != null) {
      step.outputs().setInts(chunk.outputs.stream().mapToInt(Integer::intValue).toArray());
    }
    step.graph().compute();
    if (step.logits() != null) {
      long bytes = 4L * config.vocabSize();
      // The targets of a chunk are consecutive rows, so one copy suffices.
      step.logits()
          .get(logits.asSlice(chunk.targets.getFirst() * bytes), 0, chunk.targets.size() * bytes);
    }
  }

  private GraphKey key(Chunk chunk) {
    return key(
        model.device(),
        chunk.size,
        chunk.outputs.size(),
        cache.usedRows(),
        chunk.distinct() ? Arrays.stream(chunk.positions).max().orElse(0) + 1 : 0);
  }

  /**
   * The key of the graph for some tokens.
   *
   * @param longest number of tokens of the longest sequence if all tokens belong to different
   *     sequences, else 0
   */
  static GraphKey key(Device device, int tokens, int outputs, int usedRows, int longest) {
    return new GraphKey(tokens, outputs, CacheAccess.of(device, usedRows, longest));
  }

  private StepGraph build(GraphKey key) {
    var network = model.network(adapter);
    return Graph.forward(model.device(), network.maxNodes())
        .build(graph -> add(graph, network, key, cache.table(), cache::keys, cache::values));
  }

  /**
   * Adds the nodes for some tokens.
   *
   * @param keys returns the cached keys of a layer
   * @param values returns the cached values of a layer
   */
  static StepGraph add(
      Graph graph,
      Gpt2 network,
      GraphKey key,
      Tensor table,
      IntFunction<Tensor> keys,
      IntFunction<Tensor> values) {
    var tokens = TokenBatch.of(graph, key.tokens());
    var attention = CachedAttention.of(graph, key.tokens(), table, key.access());
    int heads = network.config().nHead();
    var hidden =
        network.hidden(
            graph,
            tokens,
            (layer, qkv, scale) ->
                attention.forward(qkv, heads, scale, keys.apply(layer), values.apply(layer)),
            null);
    Tensor outputs = null;
    Tensor result = null;
    if (key.outputs() > 0) {
      if (key.outputs() < key.tokens()) {
        outputs = graph.input(DType.I32, key.outputs());
        hidden = graph.getRows(hidden, outputs);
      }
      result = graph.output(network.logits(graph, hidden));
    }
    return new StepGraph(graph, tokens, attention, outputs, result);
  }

  /** The maximum number of graphs that a session caches. */
  static int maxGraphs(Device device) {
    return CacheAccess.isByTable(device) ? MAX_GRAPHS : MAX_GRAPHS_BY_ROWS;
  }

  /** Graphs refer to weights and cache. If either has moved, all graphs are discarded. */
  private void discardStaleGraphs(Gpt2 network) {
    boolean moved = cache.moved();
    if (moved || graphsOf != network) {
      graphs.clear();
      graphsOf = network;
    }
  }

  private void prepareLogits(int rows) {
    long bytes = 4L * rows * config.vocabSize();
    if (logits.byteSize() < bytes) {
      var fresh = Arena.ofShared();
      try {
        logits = fresh.allocate(bytes, 64);
      } catch (RuntimeException | Error e) {
        fresh.close();
        throw e;
      }
      logitsArena.close();
      logitsArena = fresh;
    }
    logitsRows = rows;
  }

  /** Bytes of the cache and the graphs. */
  public synchronized long bytes() {
    checkOpen();
    discardStaleGraphs(model.network(adapter));
    return cache.bytes() + graphs.bytes();
  }

  private void checkOpen() {
    if (closed) {
      throw new IllegalStateException("Already closed: session");
    }
  }

  @Override
  public synchronized void close() {
    if (!closed) {
      closed = true;
      graphs.close();
      cache.close();
      logitsArena.close();
      lease.close();
    }
  }
}
