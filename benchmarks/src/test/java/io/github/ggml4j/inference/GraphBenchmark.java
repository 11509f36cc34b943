package io.github.ggml4j.inference;

import io.github.ggml4j.benchmarks.jmh.MicroBenchmark;
import io.github.ggml4j.benchmarks.jmh.TinyModels;
import io.github.ggml4j.inference.InferenceSession.GraphKey;
import io.github.ggml4j.inference.InferenceSession.StepGraph;
import io.github.ggml4j.model.Gpt2Model;
import io.github.ggml4j.tensor.Graph;
import java.util.Objects;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.TearDown;

/**
 * The graph of one token: building it, and running it without the steps around it. In this package
 * because the graphs of a session are not public.
 */
public class GraphBenchmark extends MicroBenchmark {
  private static final int VOCAB_SIZE = 256;
  private static final int TOKEN = 7;

  /** Blocks of the model; with 1 it is the model of {@code DecodeBenchmark}. */
  @Param({"1", "12"})
  public int layers = 1;

  private Gpt2Model model = TinyModels.create(1, 8, VOCAB_SIZE, 1024);
  private KvCache cache = new KvCache(model.config(), model.device(), 16);
  private GraphKey key = InferenceSession.key(model.device(), 1, 1, 1, 1);
  private StepGraph step = build();

  /** Compares the logits of a token with those of a session. */
  @Setup
  public void setUp() {
    tearDown();
    model = TinyModels.create(layers, 8, VOCAB_SIZE, 1024);
    cache = new KvCache(model.config(), model.device(), 16);
    int sequence = cache.newSequence();
    cache.reserve(1);
    int row = cache.append(sequence);
    cache.uploadTable();
    key = InferenceSession.key(model.device(), 1, 1, cache.usedRows(), 1);
    step = build();
    step.tokens().set(new int[] {TOKEN}, new int[] {0});
    step.attention().set(new int[] {row}, new int[] {sequence}, new int[] {0}, cache::row);
    computeGraph();
    float[] logits = Objects.requireNonNull(step.logits()).toFloats();
    float[] expected = InferenceSession.logits(model, new int[] {TOKEN})[0];
    for (int i = 0; i < VOCAB_SIZE; i++) {
      check(
          Math.abs(logits[i] - expected[i]) < 1e-5,
          "logit %d is %g, expected %g".formatted(i, logits[i], expected[i]));
    }
  }

  private StepGraph build() {
    return Graph.forward(model.device(), model.network().maxNodes())
        .build(graph ->
            InferenceSession.add(
                graph, model.network(), key, cache.table(), cache::keys, cache::values));
  }

  /** Closes what holds native memory. */
  @TearDown
  public void tearDown() {
    step.graph().close();
    cache.close();
    model.close();
  }

  /** Adding the nodes, planning and allocating the memory, freeing it. */
  @Benchmark
  public int buildGraph() {
    try (var graph = build().graph()) {
      return graph.hashCode();
    }
  }

  /** The graph's own time in a step. {@code decodeStep} has it too; the rest is overhead. */
  @Benchmark
  public void computeGraph() {
    step.graph().compute();
  }
}
