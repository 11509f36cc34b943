package io.github.ggml4j.inference;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

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
import java.util.List;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * Sequences in the making over one model: feeds tokens, keeps their keys and values, gives logits.
 *
 * <p>Any number of sequences advance together in one graph per {@link #step}. A fork shares what it
 * has in common with its origin, so a prompt is computed and kept once for all its continuations.
 * Graphs are built once for each number of tokens and used again.
 *
 * <p>One session belongs to one caller at a time: calls from several threads wait for each other,
 * {@link #close} for a step that runs. Sessions of one model may run on many threads; their steps
 * take turns on the device.
 *
 * <p><b>Memory management.</b> Owns its cache, {@code 2 nLayer nEmbd} floats for each token, which
 * grows as needed, and its graphs. Close it before the model.
 */
public final class InferenceSession implements Decoder {
  /**
   * Tokens of one graph; longer prompts take several, which bounds memory and the wait to cancel.
   */
  static final int MAX_BATCH = 512;

  private static final int MAX_PLANS = 16;

  /**
   * If a graph is built for a number of cache rows, graphs for fewer rows are not needed again when
   * sequences grow.
   */
  private static final int MAX_GROWING_PLANS = 4;

  private final Gpt2Model model;
  private final ModelLease lease;
  private final Gpt2Config config;
  private final KvCache cache;
  private final GraphCache<PlanKey, Plan> plans;
  private @Nullable Gpt2 planned;
  private Arena logitsArena = Arena.ofShared();
  private MemorySegment logits = MemorySegment.NULL;
  private int logitsRows;
  private boolean closed;

  /**
   * What a graph depends on.
   *
   * @param tokens number of new tokens
   * @param outputs number of tokens whose logits are computed
   * @param access the cache rows that are read
   */
  record PlanKey(int tokens, int outputs, CacheAccess access) {}

  /** A graph for a number of tokens, of which some give logits. */
  record Plan(
      Graph graph,
      TokenBatch tokens,
      CachedAttention attention,
      @Nullable Tensor outputs,
      @Nullable Tensor logits) {}

  private InferenceSession(Gpt2Model model, int expectedTokens, String user) {
    this.model = model;
    this.config = model.config();
    this.lease = model.lease(user);
    try {
      this.cache = new KvCache(config, model.device(), expectedTokens);
    } catch (RuntimeException | Error e) {
      lease.close();
      throw e;
    }
    this.plans = new GraphCache<>(mostPlans(model.device()), this::build, Plan::graph);
  }

  /** A session with room for a few tokens, growing as needed. */
  public static InferenceSession open(Gpt2Model model) {
    return open(model, 0);
  }

  /**
   * A session over a model, which stays open until the session is closed.
   *
   * @param expectedTokens how many tokens all its sequences are expected to have, shared ones
   *     counted once; more are possible
   */
  public static InferenceSession open(Gpt2Model model, int expectedTokens) {
    return open(model, expectedTokens, "inference session");
  }

  /**
   * As {@link #open(Gpt2Model, int)}, for a session that its user does not know of.
   *
   * @param user what uses the model, in the singular; see {@link Gpt2Model#lease}
   */
  public static InferenceSession open(Gpt2Model model, int expectedTokens, String user) {
    return new InferenceSession(model, expectedTokens, user);
  }

  /**
   * The logits behind every token of a text.
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
   * What generation takes of the device's memory: the weights, the cache of keys and values, and
   * the graphs.
   *
   * @param sequences how many texts advance together, from one prompt
   * @param promptLength tokens that they begin with
   * @param length tokens of each in the end
   */
  public static MemoryEstimate estimateMemory(
      Gpt2Model model, int sequences, int promptLength, int length) {
    return SessionMemory.estimate(model, sequences, promptLength, length);
  }

  /** An empty sequence; returns its id. */
  @Override
  public synchronized int newSequence() {
    checkOpen();
    return cache.newSequence();
  }

  /** A new sequence with the same tokens as another, sharing their cache; returns its id. */
  @Override
  public synchronized int fork(int sequence) {
    checkOpen();
    return cache.fork(sequence);
  }

  /** Ends a sequence; cache rows that no other sequence shares become free. */
  @Override
  public synchronized void release(int sequence) {
    checkOpen();
    cache.release(sequence);
  }

  /**
   * Lets each of {@code sequences} continue another's history, all at once: {@code sequences[i]}
   * becomes what {@code parents[i]} was before the call. For beam search.
   */
  @Override
  public synchronized void reassign(int[] sequences, int[] parents) {
    checkOpen();
    if (sequences.length != parents.length) {
      throw new IllegalArgumentException(
          sequences.length + " sequences and " + parents.length + " parents, expected as many");
    }
    cache.reassign(sequences, parents);
  }

  /** How many tokens a sequence has. */
  public synchronized int length(int sequence) {
    checkOpen();
    return cache.length(sequence);
  }

  /** How many tokens a sequence can have: {@code nPositions}. */
  public int maxLength() {
    return config.nPositions();
  }

  /** The number of logits of each token. */
  public int vocabSize() {
    return config.vocabSize();
  }

  /**
   * Appends tokens to sequences and computes the logits that follow the last token of each.
   *
   * @param sequences ids, each once
   * @param tokens at least one token for each of them
   * @throws IllegalArgumentException for an unknown sequence, a token id out of range, or a
   *     sequence that would exceed {@link #maxLength()}; nothing is appended then
   * @throws java.util.concurrent.CancellationException when the thread is interrupted between parts
   *     of a long prompt; the sequences are then unusable and should be released
   */
  @Override
  public synchronized void step(int[] sequences, int[][] tokens) {
    checkOpen();
    check(sequences, tokens);
    run(sequences, tokens, false);
  }

  /**
   * As {@link #step}, but computes the logits that follow each of the tokens. {@link #logits} then
   * takes the index of a token, counted over all sequences in their order.
   */
  @Override
  public synchronized void stepAll(int[] sequences, int[][] tokens) {
    checkOpen();
    check(sequences, tokens);
    run(sequences, tokens, true);
  }

  /**
   * Shortens a sequence; the cache rows of the tokens removed become free.
   *
   * @param length number of tokens to keep, at most {@link #length}
   * @throws IllegalArgumentException if the sequence is unknown or shorter than that
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
   * @param out takes {@code vocabSize} values
   */
  @Override
  public synchronized void logits(int index, float[] out) {
    checkOpen();
    if (index < 0 || index >= logitsRows) {
      throw new IndexOutOfBoundsException(
          "Index is " + index + ", the last step gave logits for " + logitsRows + " rows");
    }
    if (out.length < config.vocabSize()) {
      throw new IllegalArgumentException(
          "The array has "
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
              + " token arrays, expected as many and at least one");
    }
    var seen = new java.util.HashSet<Integer>();
    for (int i = 0; i < sequences.length; i++) {
      if (!seen.add(sequences[i])) {
        throw new IllegalArgumentException("Sequence " + sequences[i] + " is named twice");
      }
      int length = cache.length(sequences[i]);
      if (tokens[i].length == 0) {
        throw new IllegalArgumentException(
            "No tokens for sequence " + sequences[i] + ", expected at least one");
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
          usePlansOf(model.network());
          prepareLogits(all ? total : sequences.length);
          int done = 0;
          var part = new Part(Math.min(total, MAX_BATCH));
          for (int i = 0; i < sequences.length; i++) {
            for (int j = 0; j < tokens[i].length; j++) {
              int position = cache.length(sequences[i]);
              int row = cache.append(sequences[i]);
              boolean output = all || j == tokens[i].length - 1;
              part.add(tokens[i][j], position, row, sequences[i], output ? (all ? done : i) : -1);
              done++;
              if (part.size == part.tokens.length || done == total) {
                compute(part);
                part = new Part(Math.min(total - done, MAX_BATCH));
                if (done < total && Thread.currentThread().isInterrupted()) {
                  throw new java.util.concurrent.CancellationException(
                      "Interrupted after " + done + " of " + total + " prompt tokens");
                }
              }
            }
          }
          return null;
        });
  }

  /** The tokens of one graph. */
  private static final class Part {
    final int[] tokens;
    final int[] positions;
    final int[] rows;
    final int[] sequences;
    final List<Integer> outputs = new ArrayList<>();
    final List<Integer> targets = new ArrayList<>();
    int size;

    Part(int capacity) {
      tokens = new int[capacity];
      positions = new int[capacity];
      rows = new int[capacity];
      sequences = new int[capacity];
    }

    /** Whether each token belongs to another sequence. */
    boolean distinct() {
      return Arrays.stream(sequences).distinct().count() == size;
    }

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

  private void compute(Part part) {
    cache.uploadTable();
    var plan = plans.get(key(part));
    plan.tokens().set(part.tokens, part.positions);
    plan.attention().set(part.rows, part.sequences, part.positions, cache::row);
    if (plan.outputs() != null) {
      plan.outputs().setInts(part.outputs.stream().mapToInt(Integer::intValue).toArray());
    }
    plan.graph().compute();
    if (plan.logits() != null) {
      long bytes = 4L * config.vocabSize();
      // Targets of one part follow each other, so one copy serves them all.
      plan.logits()
          .get(logits.asSlice(part.targets.getFirst() * bytes), 0, part.targets.size() * bytes);
    }
  }

  private PlanKey key(Part part) {
    return key(
        model.device(),
        part.size,
        part.outputs.size(),
        cache.usedRows(),
        part.distinct() ? Arrays.stream(part.positions).max().orElse(0) + 1 : 0);
  }

  /**
   * The graph for some tokens.
   *
   * @param longest tokens of the longest sequence where each token belongs to another, else 0
   */
  static PlanKey key(Device device, int tokens, int outputs, int usedRows, int longest) {
    return new PlanKey(tokens, outputs, CacheAccess.of(device, usedRows, longest));
  }

  private Plan build(PlanKey key) {
    var network = model.network();
    var graph = Graph.forward(model.device(), network.maxNodes());
    try {
      var plan = add(graph, network, key, cache.table(), cache::keys, cache::values);
      graph.build();
      return plan;
    } catch (RuntimeException | Error e) {
      graph.close();
      throw e;
    }
  }

  /** Adds the nodes of a plan; keys and values are those of each layer. */
  static Plan add(
      Graph graph,
      Gpt2 network,
      PlanKey key,
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
    return new Plan(graph, tokens, attention, outputs, result);
  }

  /** How many graphs a session keeps. */
  static int mostPlans(Device device) {
    return CacheAccess.isByTable(device) ? MAX_PLANS : MAX_GROWING_PLANS;
  }

  /** Graphs refer to weights and cache: they are built anew when either has moved. */
  private void usePlansOf(Gpt2 network) {
    boolean moved = cache.moved();
    if (moved || planned != network) {
      plans.clear();
      planned = network;
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
    return cache.bytes() + plans.bytes();
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
      plans.close();
      cache.close();
      logitsArena.close();
      lease.close();
    }
  }
}
