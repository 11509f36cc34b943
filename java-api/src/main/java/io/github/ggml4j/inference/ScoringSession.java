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
  private final GraphCache<HiddenKey, HiddenGraph> hiddenGraphs =
      new GraphCache<>(MAX_GRAPHS, this::buildHidden, HiddenGraph::graph);

  /** By the number of rows. */
  private final GraphCache<Integer, LossGraph> lossGraphs =
      new GraphCache<>(MAX_GRAPHS, this::buildLoss, LossGraph::graph);

  /** By the number of rows. */
  private final GraphCache<Integer, LogitsGraph> logitsGraphs =
      new GraphCache<>(MAX_GRAPHS, this::buildLogits, LogitsGraph::graph);

  /** The network that the graphs compute; null before the first one. */
  private @Nullable Gpt2 graphsOf;

  private Arena hiddenArena = Arena.ofShared();

  /** {@code (rows, nEmbd)}: the hidden states of the scored positions. */
  private MemorySegment hidden = MemorySegment.NULL;

  private int[] labels = {};
  private boolean closed;

  private record HiddenKey(int batch, int length, int first) {}

  /**
   * Computes the hidden states of the scored positions of sequences of one length.
   *
   * @param scored {@code (rows)} I32: indices of the scored positions among all tokens
   * @param hidden {@code (rows, nEmbd)}
   */
  private record HiddenGraph(Graph graph, TokenBatch tokens, Tensor scored, Tensor hidden) {}

  /**
   * Computes losses of hidden states.
   *
   * @param hidden {@code (rows, nEmbd)}: the input
   */
  private record LossGraph(Graph graph, Tensor hidden, CrossEntropy loss) {}

  /**
   * Computes logits of hidden states.
   *
   * @param hidden {@code (rows, nEmbd)}: the input
   * @param logits {@code (rows, V)}
   */
  private record LogitsGraph(Graph graph, Tensor hidden, Tensor logits) {}

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
          discardStaleGraphs(model.network());
          var step = hiddenGraphs.get(new HiddenKey(sequences.length, length, first));
          step.tokens().set(tokens);
          step.scored().setInts(scored);
          step.graph().compute();
          copyHidden(step.hidden());
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
          discardStaleGraphs(model.network());
          var head = lossGraphs.get(labels.length);
          head.hidden().set(hidden.asSlice(0, head.hidden().bytes()));
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
          discardStaleGraphs(model.network());
          var head = logitsGraphs.get(count);
          long width = 4L * config.nEmbd();
          head.hidden().set(hidden.asSlice(row * width, count * width));
          head.graph().compute();
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

  private void copyHidden(Tensor states) {
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

  private HiddenGraph buildHidden(HiddenKey key) {
    var network = model.network();
    long rows = (long) key.batch() * (key.length() - 1 - key.first());
    return Graph.forward(model.device(), network.maxNodes() + 8)
        .build(graph -> {
          var forward = CausalForward.add(graph, network, key.batch(), key.length());
          var scored = graph.input(DType.I32, rows);
          var chosen = graph.output(graph.getRows(forward.hidden(), scored));
          return new HiddenGraph(graph, forward.tokens(), scored, chosen);
        });
  }

  private LossGraph buildLoss(int rows) {
    return Graph.forward(model.device(), rows + 64)
        .build(graph -> {
          var states = graph.input(DType.F32, rows, config.nEmbd());
          var loss = new CrossEntropy(graph, states, model.network().head());
          return new LossGraph(graph, states, loss);
        });
  }

  private LogitsGraph buildLogits(int rows) {
    return Graph.forward(model.device(), 64)
        .build(graph -> {
          var states = graph.input(DType.F32, rows, config.nEmbd());
          return new LogitsGraph(
              graph, states, graph.output(model.network().logits(graph, states)));
        });
  }

  /** Graphs refer to weights: a training that replaces the weights makes them useless. */
  private void discardStaleGraphs(Gpt2 network) {
    if (graphsOf != network) {
      hiddenGraphs.clear();
      lossGraphs.clear();
      logitsGraphs.clear();
      graphsOf = network;
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
      hiddenGraphs.close();
      lossGraphs.close();
      logitsGraphs.close();
      hiddenArena.close();
      lease.close();
    }
  }
}
