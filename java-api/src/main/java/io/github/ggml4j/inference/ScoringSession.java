package io.github.ggml4j.inference;

import io.github.ggml4j.model.Gpt2;
import io.github.ggml4j.model.Gpt2Config;
import io.github.ggml4j.model.Gpt2Model;
import io.github.ggml4j.model.ModelLease;
import io.github.ggml4j.nn.CausalAttention;
import io.github.ggml4j.nn.CrossEntropy;
import io.github.ggml4j.nn.TokenBatch;
import io.github.ggml4j.tensor.DType;
import io.github.ggml4j.tensor.Graph;
import io.github.ggml4j.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How well a model foretells given texts: the loss of each token after those before it, without a
 * cache and without the logits of a whole text in memory.
 *
 * <p>{@link #read} runs sequences through the layers; {@link #losses} and {@link #logits} then run
 * the language-modelling head over the positions that were asked for, in chunks of rows. Graphs are
 * built once for each shape.
 *
 * <p>One session belongs to one caller at a time: calls from several threads wait for each other.
 *
 * <p><b>Memory management.</b> Owns its graphs and the hidden states of the last reading. Close it
 * before the model.
 */
public final class ScoringSession implements AutoCloseable {
  private static final int MAX_PLANS = 4;

  private final Gpt2Model model;
  private final ModelLease lease;
  private final Gpt2Config config;
  private final Map<ReadingKey, Reading> readings = new LinkedHashMap<>(8, 0.75f, true);
  private final Map<HeadKey, Head> heads = new LinkedHashMap<>(8, 0.75f, true);
  private @Nullable Gpt2 planned;
  private Arena hiddenArena = Arena.ofShared();
  private MemorySegment hidden = MemorySegment.NULL;
  private int[] labels = {};
  private boolean closed;

  private record ReadingKey(int batch, int length, int first) {}

  /** The layers, for sequences of one shape. */
  private record Reading(Graph graph, TokenBatch tokens, Tensor scored, Tensor hidden) {}

  private record HeadKey(int rows, boolean loss) {}

  /** The language-modelling head over rows of hidden states: either their losses or logits. */
  private record Head(
      Graph graph, Tensor hidden, @Nullable CrossEntropy loss, @Nullable Tensor logits) {}

  private ScoringSession(Gpt2Model model) {
    this.model = model;
    this.lease = model.lease("scoring session");
    this.config = model.config();
  }

  /** A session over a model, which stays open until the session is closed. */
  public static ScoringSession open(Gpt2Model model) {
    return new ScoringSession(model);
  }

  /**
   * The negative log-likelihood, in nats, of every token of a text but its first, each after those
   * before it.
   *
   * @param tokens 2 to {@code nPositions} ids
   * @return {@code (tokens - 1)}
   */
  public static float[] negativeLogLikelihoods(Gpt2Model model, int... tokens) {
    try (var session = open(model)) {
      session.read(new int[][] {tokens}, 0);
      return session.losses();
    }
  }

  /** How many tokens a sequence can have: {@code nPositions}. */
  public int maxLength() {
    return config.nPositions();
  }

  /** The number of logits of each position. */
  public int vocabSize() {
    return config.vocabSize();
  }

  /**
   * Reads sequences side by side. What is scored are the positions from {@code first} to the last
   * but one of each, that is the tokens from {@code first + 1} on.
   *
   * @param sequences {@code (batch, length)}: at least one sequence, all of one length of 2 to
   *     {@code nPositions} tokens
   * @param first 0 to {@code length - 2}
   */
  public synchronized void read(int[][] sequences, int first) {
    checkOpen();
    check(sequences, first);
    int length = sequences[0].length;
    int perSequence = length - 1 - first;
    int rows = sequences.length * perSequence;
    var tokens = Arrays.stream(sequences).flatMapToInt(Arrays::stream).toArray();
    var scored = new int[rows];
    Arrays.setAll(scored, i -> i / perSequence * length + first + i % perSequence);
    labels = new int[] {};
    model
        .device()
        .exclusively(() -> {
          usePlansOf(model.network());
          var reading = reading(new ReadingKey(sequences.length, length, first));
          reading.tokens().set(tokens);
          reading.scored().setInts(scored);
          reading.graph().compute();
          keep(reading.hidden());
          return null;
        });
    labels = Arrays.stream(scored).map(i -> tokens[i + 1]).toArray();
  }

  /** How many positions the last reading scores: {@code batch * (length - 1 - first)}. */
  public synchronized int rows() {
    return labels.length;
  }

  /** The tokens that follow the scored positions, sequence by sequence. */
  public synchronized int[] labels() {
    return labels.clone();
  }

  /**
   * The negative log-likelihood, in nats, of the token that follows each scored position.
   *
   * @return {@code (rows)}, sequence by sequence
   */
  public synchronized float[] losses() {
    checkRead();
    return model
        .device()
        .exclusively(() -> {
          usePlansOf(model.network());
          var head = head(new HeadKey(labels.length, true));
          head.hidden().set(hidden.asSlice(0, head.hidden().bytes()));
          if (head.loss() == null) {
            throw new IllegalStateException("A head for losses has them");
          }
          head.loss().labels(labels, 0);
          head.graph().compute();
          return head.loss().losses();
        });
  }

  /**
   * Computes logits of some of the scored positions.
   *
   * @param row the first one
   * @param count how many; a few hundred keep memory small
   * @param out takes {@code (count, vocabSize)} floats, native memory
   */
  public synchronized void logits(int row, int count, MemorySegment out) {
    checkRead();
    if (row < 0 || count < 1 || row > labels.length - count) {
      throw new IndexOutOfBoundsException(
          "Rows " + row + " to " + (row + count - 1) + " of " + labels.length + " scored ones");
    }
    long bytes = 4L * count * config.vocabSize();
    if (out.byteSize() < bytes) {
      throw new IllegalArgumentException(
          "Memory for logits has " + out.byteSize() + " bytes, expected at least " + bytes);
    }
    model
        .device()
        .exclusively(() -> {
          usePlansOf(model.network());
          var head = head(new HeadKey(count, false));
          long width = 4L * config.nEmbd();
          head.hidden().set(hidden.asSlice(row * width, count * width));
          head.graph().compute();
          if (head.logits() == null) {
            throw new IllegalStateException("A head for logits has them");
          }
          head.logits().get(out, 0, bytes);
          return null;
        });
  }

  private void check(int[][] sequences, int first) {
    if (sequences.length == 0) {
      throw new IllegalArgumentException("There are no sequences to read, expected at least one");
    }
    int length = sequences[0].length;
    if (length < 2 || length > config.nPositions()) {
      throw new IllegalArgumentException(
          "Sequences have "
              + length
              + " tokens, expected 2 to n_positions = "
              + config.nPositions());
    }
    if (first < 0 || first > length - 2) {
      throw new IllegalArgumentException(
          "first is " + first + ", expected 0 to " + (length - 2) + " for " + length + " tokens");
    }
    for (var sequence : sequences) {
      if (sequence.length != length) {
        throw new IllegalArgumentException(
            "A sequence has " + sequence.length + " tokens, expected " + length + " as the first");
      }
      config.checkTokens(sequence);
    }
  }

  private void keep(Tensor states) {
    if (hidden.byteSize() < states.bytes()) {
      var fresh = Arena.ofShared();
      try {
        hidden = fresh.allocate(states.bytes(), 64);
      } catch (RuntimeException | Error e) {
        fresh.close();
        throw e;
      }
      hiddenArena.close();
      hiddenArena = fresh;
    }
    states.get(hidden, 0, states.bytes());
  }

  private Reading reading(ReadingKey key) {
    var reading = readings.get(key);
    if (reading == null) {
      if (readings.size() >= MAX_PLANS) {
        var eldest = readings.entrySet().iterator();
        eldest.next().getValue().graph().close();
        eldest.remove();
      }
      reading = buildReading(key);
      readings.put(key, reading);
    }
    return reading;
  }

  private Reading buildReading(ReadingKey key) {
    var network = model.network();
    var graph = Graph.forward(model.device(), network.maxNodes() + 8);
    try {
      var tokens = TokenBatch.sequences(graph, key.batch(), key.length());
      var attention = CausalAttention.of(graph, key.batch(), key.length());
      var states =
          network.hidden(
              graph,
              tokens,
              (layer, qkv, scale) -> attention.forward(qkv, config.nHead(), scale),
              null);
      long rows = (long) key.batch() * (key.length() - 1 - key.first());
      var scored = graph.input(DType.I32, rows);
      var chosen = graph.output(graph.getRows(states, scored));
      graph.build();
      return new Reading(graph, tokens, scored, chosen);
    } catch (RuntimeException | Error e) {
      graph.close();
      throw e;
    }
  }

  private Head head(HeadKey key) {
    var head = heads.get(key);
    if (head == null) {
      if (heads.size() >= MAX_PLANS) {
        var eldest = heads.entrySet().iterator();
        eldest.next().getValue().graph().close();
        eldest.remove();
      }
      head = buildHead(key);
      heads.put(key, head);
    }
    return head;
  }

  private Head buildHead(HeadKey key) {
    var network = model.network();
    var graph = Graph.forward(model.device(), key.rows() + 64);
    try {
      var states = graph.input(DType.F32, key.rows(), config.nEmbd());
      CrossEntropy loss = null;
      Tensor logits = null;
      if (key.loss()) {
        loss = new CrossEntropy(graph, states, network.head());
      } else {
        logits = graph.output(network.logits(graph, states));
      }
      graph.build();
      return new Head(graph, states, loss, logits);
    } catch (RuntimeException | Error e) {
      graph.close();
      throw e;
    }
  }

  /** Graphs refer to weights: they are built anew when training has moved these. */
  private void usePlansOf(Gpt2 network) {
    if (planned != network) {
      closePlans();
      planned = network;
    }
  }

  private void closePlans() {
    readings.values().forEach(reading -> reading.graph().close());
    readings.clear();
    heads.values().forEach(head -> head.graph().close());
    heads.clear();
  }

  private void checkRead() {
    checkOpen();
    if (labels.length == 0) {
      throw new IllegalStateException("Nothing was read; call read() first");
    }
  }

  private void checkOpen() {
    if (closed) {
      throw new IllegalStateException("Already closed: scoring session");
    }
  }

  @Override
  public synchronized void close() {
    if (!closed) {
      closed = true;
      closePlans();
      hiddenArena.close();
      lease.close();
    }
  }
}
