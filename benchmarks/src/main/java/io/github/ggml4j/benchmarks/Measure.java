package io.github.ggml4j.benchmarks;

import io.github.ggml4j.model.Gpt2Model;
import io.github.ggml4j.model.InferenceSession;
import io.github.ggml4j.tensor.DType;
import io.github.ggml4j.tensor.Device;
import io.github.ggml4j.trainer.engine.AdamWRule;
import io.github.ggml4j.trainer.engine.GraphTrainingEngine;
import io.github.ggml4j.trainer.engine.GraphTrainingEngine.Settings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.Random;
import java.util.stream.Collectors;

/**
 * Measures one kind of work and prints a line of JSON: tokens per second of every run, and peak
 * resident memory.
 *
 * <pre>
 * Measure decode   MODEL THREADS RUNS SEQUENCES PROMPT TOKENS
 * Measure prompt   MODEL THREADS RUNS TOKENS
 * Measure train    MODEL THREADS RUNS BATCH LENGTH
 * Measure check    MODEL THREADS
 * </pre>
 *
 * <p>{@code check} compares the logits of our kernels with those of ggml's stock ops, and decoding
 * step by step with the whole prompt at once; a driver runs it before it times the same file. Every
 * other kind warms up once, uncounted.
 */
public final class Measure {
  private static final int SEED = 1;

  private Measure() {}

  /** Runs one measurement; see the class. */
  public static void main(String[] args) throws IOException {
    var model = Path.of(args[1]);
    int threads = Integer.parseInt(args[2]);
    var numbers = Arrays.stream(args).skip(3).mapToInt(Integer::parseInt).toArray();
    switch (args[0]) {
      case "check" -> check(model, threads);
      case "decode" -> decode(model, threads, numbers[0], numbers[1], numbers[2], numbers[3]);
      case "prompt" -> prompt(model, threads, numbers[0], numbers[1]);
      case "train" -> train(model, threads, numbers[0], numbers[1], numbers[2]);
      default -> throw new IllegalArgumentException("No such measurement: " + args[0]);
    }
  }

  private static void check(Path file, int threads) {
    int[] tokens;
    float[][] ours;
    try (var model = Gpt2Model.load(file, Device.cpu(threads))) {
      tokens = random(model, new Random(SEED), 40);
      ours = model.logits(tokens);
      try (var session = model.newSession()) {
        int sequence = session.newSequence();
        var logits = new float[model.config().vocabSize()];
        for (int i = 0; i < tokens.length; i++) {
          session.step(new int[] {sequence}, new int[][] {{tokens[i]}});
          session.logits(0, logits);
          compare("Step by step", i, logits, ours[i], 1e-3);
        }
      }
    }
    try (var model = Gpt2Model.load(file, Device.open("cpu-stock", threads))) {
      var stock = model.logits(tokens);
      // ggml's stock products round activations to half precision or eight bits for narrow weights.
      boolean exact = model.tensors().values().stream().allMatch(t -> t.type() == DType.F32);
      for (int i = 0; i < tokens.length; i++) {
        compare("ggml's stock ops", i, ours[i], stock[i], exact ? 1e-3 : 0.1);
      }
    }
    System.out.println("{\"check\": \"passed\"}");
  }

  private static void compare(String what, int row, float[] got, float[] want, double tolerance) {
    double scale = 1;
    for (float w : want) {
      scale = Math.max(scale, Math.abs(w));
    }
    for (int v = 0; v < want.length; v++) {
      if (!(Math.abs(got[v] - want[v]) <= tolerance * scale)) {
        throw new IllegalStateException(
            what + ": logit " + v + " of token " + row + " is " + got[v] + ", not " + want[v]);
      }
    }
  }

  private static void decode(
      Path file, int threads, int runs, int count, int promptTokens, int steps) throws IOException {
    try (var model = Gpt2Model.load(file, Device.cpu(threads))) {
      var random = new Random(SEED);
      var speeds = new double[runs];
      for (int run = -1; run < runs; run++) {
        try (var session = model.newSession()) {
          var sequences = new int[count];
          sequences[0] = session.newSequence();
          session.step(new int[] {sequences[0]}, new int[][] {random(model, random, promptTokens)});
          for (int i = 1; i < count; i++) {
            sequences[i] = session.fork(sequences[0]);
          }
          long start = System.nanoTime();
          steps(session, model, random, sequences, steps);
          if (run >= 0) {
            speeds[run] = count * steps / seconds(start);
          }
        }
      }
      report(speeds);
    }
  }

  private static void steps(
      InferenceSession session, Gpt2Model model, Random random, int[] sequences, int steps) {
    var logits = new float[model.config().vocabSize()];
    for (int step = 0; step < steps; step++) {
      var tokens = new int[sequences.length][];
      for (int i = 0; i < sequences.length; i++) {
        tokens[i] = random(model, random, 1);
      }
      session.step(sequences, tokens);
      session.logits(0, logits);
    }
  }

  private static void prompt(Path file, int threads, int runs, int tokens) throws IOException {
    try (var model = Gpt2Model.load(file, Device.cpu(threads))) {
      var random = new Random(SEED);
      var speeds = new double[runs];
      for (int run = -1; run < runs; run++) {
        try (var session = model.newSession()) {
          int sequence = session.newSequence();
          var prompt = random(model, random, tokens);
          long start = System.nanoTime();
          session.step(new int[] {sequence}, new int[][] {prompt});
          if (run >= 0) {
            speeds[run] = tokens / seconds(start);
          }
        }
      }
      report(speeds);
    }
  }

  private static void train(Path file, int threads, int runs, int batch, int length)
      throws IOException {
    try (var model = Gpt2Model.load(file, Device.cpu(threads));
        var engine =
            new GraphTrainingEngine(
                model,
                new AdamWRule(0.9f, 0.999f, 1e-6f, 0, false),
                new Settings(SEED, 0.1f, 0.1f, 0.1f))) {
      var tokens = random(model, new Random(SEED), batch * length);
      int warmUp = 4;
      var losses = new double[warmUp + runs];
      var speeds = new double[runs];
      for (int step = 0; step < losses.length; step++) {
        long start = System.nanoTime();
        var result =
            engine.accumulate(tokens, tokens, null, batch, length, 1f / (batch * (length - 1)));
        engine.update(3e-5f, 1);
        losses[step] = result.lossSum() / result.labelCount();
        if (step >= warmUp) {
          speeds[step - warmUp] = batch * length / seconds(start);
        }
      }
      double untrained = Math.log(model.config().vocabSize());
      if (Math.abs(losses[0] - untrained) > 1 || losses[losses.length - 1] >= losses[0]) {
        throw new IllegalStateException("Losses " + Arrays.toString(losses) + " do not fall");
      }
      report(speeds);
    }
  }

  private static int[] random(Gpt2Model model, Random random, int count) {
    return random.ints(count, 0, model.config().vocabSize()).toArray();
  }

  private static double seconds(long start) {
    return (System.nanoTime() - start) / 1e9;
  }

  private static void report(double[] speeds) throws IOException {
    long peak = 0;
    var status = Path.of("/proc/self/status");
    if (Files.exists(status)) {
      for (var line : Files.readAllLines(status)) {
        if (line.startsWith("VmHWM:")) {
          peak = Long.parseLong(line.replaceAll("[^0-9]", "")) / 1024;
        }
      }
    }
    var list =
        Arrays.stream(speeds)
            .mapToObj(speed -> String.format(Locale.ROOT, "%.1f", speed))
            .collect(Collectors.joining(", "));
    System.out.println(
        "{\"tokens_per_second\": [" + list + "], \"peak_memory_mib\": " + peak + "}");
  }
}
