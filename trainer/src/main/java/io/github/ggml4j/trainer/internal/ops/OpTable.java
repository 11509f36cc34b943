package io.github.ggml4j.trainer.internal.ops;

import io.github.ggml4j.inference.InferenceSession;
import io.github.ggml4j.inference.ScoringSession;
import io.github.ggml4j.model.Gpt2Config;
import io.github.ggml4j.model.Gpt2Model;
import io.github.ggml4j.nn.Activation;
import io.github.ggml4j.tensor.DType;
import io.github.ggml4j.tensor.Device;
import io.github.ggml4j.tensor.DeviceInfo;
import io.github.ggml4j.tensor.Graph;
import io.github.ggml4j.tensor.GraphOp;
import io.github.ggml4j.tensor.TensorStore;
import io.github.ggml4j.trainer.internal.engine.TrainingEngine;
import io.github.ggml4j.trainer.optim.Optimizer;
import io.github.ggml4j.trainer.optim.Optimizers;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Every ggml op that a device without ggml4j's own kernels, such as a GPU, needs for prompts,
 * decoding, scoring, training and updates, and which devices support it.
 *
 * <p>The table is recorded: small models run on {@code cpu-stock}, and the ops of their graphs are
 * collected.
 */
public final class OpTable {
  /** The purpose of a graph. */
  public enum Phase {
    /** Reads all tokens of a prompt at once. */
    PROMPT,
    /** Reads one token of each sequence. */
    DECODE,
    /** Computes losses, such as perplexity, without gradients. */
    SCORE,
    /** Forward and backward of a training step. */
    TRAIN,
    /** Clipping and the optimizer's update. */
    UPDATE;

    @Override
    public String toString() {
      return name().toLowerCase(java.util.Locale.ROOT);
    }
  }

  /**
   * An op with certain types.
   *
   * @param name ggml's name
   * @param types of inputs and result, as in {@code F16, F32 to F32}
   */
  public record Op(String name, String types) implements Comparable<Op> {
    @Override
    public int compareTo(Op other) {
      return Comparator.comparing(Op::name).thenComparing(Op::types).compare(this, other);
    }

    @Override
    public String toString() {
      return name + " of " + types;
    }
  }

  /**
   * Where an op is used, and which devices lack it.
   *
   * @param phases phases that use it
   * @param missingOn names of devices that do not support it in at least one of its uses
   */
  public record Use(Set<Phase> phases, Set<String> missingOn) {}

  private static final int LENGTH = 100;
  private static final int SEQUENCES = 3;
  private static final int VOCABULARY = 64;
  private static final long MATRIX = 256;

  private final List<DeviceInfo> devices;
  private final SortedMap<Op, Use> uses = new TreeMap<>();

  private OpTable(List<DeviceInfo> devices) {
    this.devices = devices;
  }

  /**
   * Runs small models and checks for each node of their graphs which devices support it.
   *
   * @param devices some of {@link Device#list}
   */
  public static OpTable record(List<DeviceInfo> devices) {
    var table = new OpTable(List.copyOf(devices));
    var device = Device.open("cpu-stock", 1);
    try (var model = Gpt2Model.random(config(Activation.GELU_NEW), device, 1)) {
      table.observe(device, Phase.PROMPT, () -> table.generate(model, device));
      table.observe(
          device, Phase.SCORE, () -> ScoringSession.negativeLogLikelihoods(model, tokens()));
    }
    var optimizers = Optimizers.withAllOps();
    for (var activation : Activation.values()) {
      table.train(activation, optimizers.getFirst());
    }
    for (var optimizer : optimizers) {
      table.train(Activation.GELU_NEW, optimizer);
    }
    table.weightTypes();
    return table;
  }

  private static Gpt2Config config(Activation activation) {
    return Gpt2Config.builder()
        .nLayer(1)
        .nHead(2)
        .nEmbd(32)
        .nPositions(128)
        .vocabSize(VOCABULARY)
        .activationFunction(activation.configName())
        .dropout(0.1)
        .bosTokenId(0)
        .eosTokenId(0)
        .build();
  }

  private static int[] tokens() {
    var tokens = new int[LENGTH];
    Arrays.setAll(tokens, i -> i % VOCABULARY);
    return tokens;
  }

  private void generate(Gpt2Model model, Device device) {
    try (var session = InferenceSession.open(model)) {
      var sequences = new int[SEQUENCES];
      Arrays.setAll(sequences, _ -> session.newSequence());
      var prompts = new int[SEQUENCES][];
      Arrays.fill(prompts, tokens());
      session.step(sequences, prompts);
      var next = new int[SEQUENCES][];
      Arrays.fill(next, new int[] {1});
      observe(
          device,
          Phase.DECODE,
          () -> {
            session.step(new int[] {sequences[0]}, new int[][] {{1}});
            session.step(sequences, next);
          });
    }
  }

  private void train(Activation activation, Optimizer optimizer) {
    var device = Device.open("cpu-stock", 1);
    var settings = new TrainingEngine.Settings(1, 0.1f, 0.1f, 0.1f);
    var tokens = tokens();
    try (var model = Gpt2Model.random(config(activation), device, 1)) {
      device.onBuild(graph -> add(graph, Phase.UPDATE));
      try (var engine = new TrainingEngine(model, optimizer, settings)) {
        observe(
            device,
            Phase.TRAIN,
            () -> {
              engine.accumulate(tokens, tokens, 2, LENGTH / 2, 1);
            });
        observe(device, Phase.SCORE, () -> engine.evaluate(tokens, tokens, 1, LENGTH));
      }
    }
  }

  /** Adds the ops that read weights of each type, and those that convert them for training. */
  private void weightTypes() {
    try (var device = Device.open("cpu-stock", 1)) {
      for (var type : DType.values()) {
        if (!device.computes(type)) {
          continue;
        }
        try (var store = new TensorStore(device, "weights", 2);
            var graph = Graph.forward(device, 16)) {
          var matrix = store.add(type, MATRIX, MATRIX);
          var copy = store.add(DType.F32, MATRIX, MATRIX);
          store.skipAllocation();
          graph.mulMat(matrix, graph.input(DType.F32, 2, MATRIX));
          graph.getRows(matrix, graph.input(DType.I32, 2));
          add(graph, Phase.PROMPT);
          add(graph, Phase.DECODE);
          add(graph, Phase.SCORE);
          if (!type.isQuantized()) {
            graph.copyInto(matrix, copy);
            add(graph, Phase.TRAIN);
          }
        }
      }
    }
  }

  private void observe(Device device, Phase phase, Runnable run) {
    device.onBuild(graph -> add(graph, phase));
    run.run();
  }

  private void add(Graph graph, Phase phase) {
    graph.ops().forEach(op -> use(op).phases().add(phase));
    for (var device : devices) {
      graph.unsupportedBy(device).forEach(op -> use(op).missingOn().add(device.name()));
    }
  }

  private Use use(GraphOp op) {
    return uses.computeIfAbsent(
        new Op(op.name(), op.types()), _ -> new Use(EnumSet.noneOf(Phase.class), new TreeSet<>()));
  }

  /** All ops in alphabetical order. */
  public Map<Op, Use> uses() {
    return Collections.unmodifiableMap(uses);
  }

  /** Number of different ops, regardless of types. */
  public int names() {
    return Math.toIntExact(uses.keySet().stream().map(Op::name).distinct().count());
  }

  /** Ops that a device does not support. */
  public List<Op> missingOn(String device) {
    return uses.entrySet().stream()
        .filter(entry -> entry.getValue().missingOn().contains(device))
        .map(Map.Entry::getKey)
        .toList();
  }
}
