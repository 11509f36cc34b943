package io.github.ggml4j.inference;

import io.github.ggml4j.error.InvalidArgumentException;
import io.github.ggml4j.internal.Check;
import io.github.ggml4j.model.CausalForward;
import io.github.ggml4j.model.Gpt2;
import io.github.ggml4j.model.Gpt2Config;
import io.github.ggml4j.model.Gpt2Model;
import io.github.ggml4j.model.ModelLease;
import io.github.ggml4j.nn.CrossEntropy;
import io.github.ggml4j.nn.TokenBatch;
import io.github.ggml4j.tensor.DType;
import io.github.ggml4j.tensor.Graph;
import io.github.ggml4j.tensor.GraphCache;
import io.github.ggml4j.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Computes the loss of each token of given texts, given the tokens before it. Uses no cache, and
 * does not keep the logits of a whole text in memory.
 *
 * <p>{@link #read} computes the hidden states of sequences. {@link #losses} and {@link #logits}
 * then apply the language-modelling head to the scored positions. Graphs are built once for each
 * shape and reused.
 *
 * <p>Thread-safe, but calls run one at a time.
 *
 * <p><b>Memory management.</b> Owns its graphs and the hidden states of the last {@link #read}. The
 * model cannot be closed before the session.
 */
public final class ScoringSession implements AutoCloseable {
  /** The most graphs of each kind that are kept. */
  private static final int MAX_GRAPHS = 4;

  private final Gpt2Model model;
  private final ModelLease lease;
  private final Gpt2Config config;
  private final GraphCache<ReadingKey, Reading> readings =
      new GraphCache<>(MAX_GRAPHS, this::buildReading, Reading::graph);
  private final GraphCache<HeadKey, Head> heads =
      new GraphCache<>(MAX_GRAPHS, this::buildHead, Head::graph);

  /** The network that the graphs compute; null before the first one. */
  private @Nullable Gpt2 built;

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

  /** Opens a session over a model. */
  public static ScoringSession open(Gpt2Model model) {
    return new ScoringSession(model);
  }

  /**
   * The negative log-likelihood, in nats, of every token of a text except the first, given the
   * tokens before it.
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

  /** The most tokens of a sequence: {@code nPositions}. */
  public int maxLength() {
    return config.nPositions();
  }

  /** The number of logits of each position. */
  public int vocabSize() {
    return config.vocabSize();
  }

  /**
   * Computes the hidden states of sequences. Scores the positions from {@code first} to {@code
   * length - 2} of each, which predict the tokens from {@code first + 1} to the last.
   *
   * @param sequences {@code (batch, length)}: at least one sequence; all of the same length, 2 to
   *     {@code nPositions} tokens
   * @param first the first position to score, 0 to {@code length - 2}
   * @throws InvalidArgumentException if an argument is out of range
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
          useGraphsOf(model.network());
          var reading = readings.get(new ReadingKey(sequences.length, length, first));
          reading.tokens().set(tokens);
          reading.scored().setInts(scored);
          reading.graph().compute();
          keep(reading.hidden());
          return null;
        });
    labels = Arrays.stream(scored).map(i -> tokens[i + 1]).toArray();
  }

  /** Number of scored positions of the last {@link #read}: {@code batch * (length - 1 - first)}. */
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
          useGraphsOf(model.network());
          var head = heads.get(new HeadKey(labels.length, true));
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
   * @param row index of the first scored position
   * @param count number of positions; a few hundred keep memory small
   * @param out receives {@code (count, vocabSize)} floats; native memory
   */
  public synchronized void logits(int row, int count, MemorySegment out) {
    checkRead();
    if (row < 0 || count < 1 || row > labels.length - count) {
      throw new IndexOutOfBoundsException(
          "Rows " + row + " to " + (row + count - 1) + " of " + labels.length + " scored ones");
    }
    long bytes = 4L * count * config.vocabSize();
    if (out.byteSize() < bytes) {
      throw new InvalidArgumentException(
          "size of out in bytes", out.byteSize(), "at least " + bytes);
    }
    model
        .device()
        .exclusively(() -> {
          useGraphsOf(model.network());
          var head = heads.get(new HeadKey(count, false));
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
    Check.atLeast("sequences", sequences.length, 1);
    int length = sequences[0].length;
    if (length < 2 || length > config.nPositions()) {
      throw new InvalidArgumentException(
          "length of sequences[0]", length, "2 to n_positions = " + config.nPositions());
    }
    Check.between("first", first, 0, length - 2);
    for (int i = 0; i < sequences.length; i++) {
      if (sequences[i].length != length) {
        throw new InvalidArgumentException(
            "length of sequences[" + i + "]", sequences[i].length, length + ", as of the first");
      }
      config.checkTokens(sequences[i]);
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

  private Reading buildReading(ReadingKey key) {
    var network = model.network();
    var graph = Graph.forward(model.device(), network.maxNodes() + 8);
    try {
      var forward = CausalForward.add(graph, network, key.batch(), key.length());
      long rows = (long) key.batch() * (key.length() - 1 - key.first());
      var scored = graph.input(DType.I32, rows);
      var chosen = graph.output(graph.getRows(forward.hidden(), scored));
      graph.build();
      return new Reading(graph, forward.tokens(), scored, chosen);
    } catch (RuntimeException | Error e) {
      graph.close();
      throw e;
    }
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

  /** Graphs refer to weights: a training that replaces the weights makes them useless. */
  private void useGraphsOf(Gpt2 network) {
    if (built != network) {
      readings.clear();
      heads.clear();
      built = network;
    }
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
      readings.close();
      heads.close();
      hiddenArena.close();
      lease.close();
    }
  }
}
