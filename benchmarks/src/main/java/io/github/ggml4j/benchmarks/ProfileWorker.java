package io.github.ggml4j.benchmarks;

import io.github.ggml4j.inference.InferenceSession;
import io.github.ggml4j.io.Models;
import io.github.ggml4j.model.Gpt2Model;
import io.github.ggml4j.tensor.Device;
import io.github.ggml4j.tensor.OpProfile;
import io.github.ggml4j.trainer.internal.engine.TrainingEngine;
import io.github.ggml4j.trainer.optim.AdamW;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import tools.jackson.databind.json.JsonMapper;

/** Runs a step op by op in a JVM of its own and prints the time of each op as JSON. */
final class ProfileWorker {
  private static final int MAX_OPS = 10;
  private static final int WARMUP = 3;

  private final Gpt2Model model;
  private final Device device;
  private final Random random = new Random(1);

  private ProfileWorker(Gpt2Model model) {
    this.model = model;
    this.device = model.device();
  }

  /**
   * Arguments: model, device, {@code training} or {@code decode}, number of sequences, tokens in
   * each, number of timed steps.
   */
  public static void main(String[] args) {
    int sequences = Integer.parseInt(args[3]);
    int length = Integer.parseInt(args[4]);
    int steps = Integer.parseInt(args[5]);
    try (var model = Models.load(Path.of(args[0]), Device.open(args[1], 0))) {
      var worker = new ProfileWorker(model);
      if (args[2].equals("training")) {
        worker.training(sequences, length, steps);
      } else {
        worker.decode(sequences, length, steps);
      }
    }
  }

  private int[] tokens(int count) {
    return random.ints(count, 0, model.config().vocabSize()).toArray();
  }

  private void training(int batch, int length, int steps) {
    var optimizer = AdamW.learningRate(1e-3).eps(1e-8);
    var settings = new TrainingEngine.Settings(1, 0.1f, 0.1f, 0.1f);
    int[] tokens = tokens(batch * length);
    try (var engine = new TrainingEngine(model, optimizer, settings)) {
      report(
          steps,
          () -> {
            engine.accumulate(tokens, tokens, batch, length, 1f / (batch * (length - 1)));
            engine.update(1, 1);
          });
    }
  }

  private void decode(int streams, int start, int steps) {
    try (var session = InferenceSession.open(model, streams * (start + 2 * steps + WARMUP))) {
      var sequences = new int[streams];
      var prompts = new int[streams][];
      Arrays.setAll(sequences, i -> session.newSequence());
      Arrays.setAll(prompts, i -> tokens(start));
      for (int i = 0; i < streams; i++) {
        session.step(new int[] {sequences[i]}, new int[][] {prompts[i]});
      }
      report(
          steps,
          () -> {
            var next = new int[streams][];
            Arrays.setAll(next, i -> tokens(1));
            session.step(sequences, next);
          });
    }
  }

  private void report(int steps, Runnable step) {
    for (int i = 0; i < WARMUP; i++) {
      step.run();
    }
    double whole = seconds(steps, step);
    var profile = new OpProfile();
    device.profile(profile);
    double apart = seconds(steps, step);
    device.profile(null);
    var entries = profile.entries();
    double sum = entries.stream().mapToDouble(OpProfile.Entry::seconds).sum();
    int nodes = entries.stream().mapToInt(OpProfile.Entry::count).sum();
    var root = JsonMapper.shared().createObjectNode();
    root.put("step_milliseconds", 1e3 * whole / steps);
    root.put("op_by_op_milliseconds", 1e3 * apart / steps);
    root.put("ops_milliseconds", 1e3 * sum / steps);
    root.put("ops_count", nodes / steps);
    root.put("overhead_microseconds", 1e6 * profile.overhead());
    var ops = root.putArray("ops");
    for (var entry : entries.subList(0, Math.min(MAX_OPS, entries.size()))) {
      var op = ops.addObject();
      op.put("op", entry.op().toString());
      op.put("count", entry.count() / steps);
      op.put("milliseconds", 1e3 * entry.seconds() / steps);
      op.put("part", entry.seconds() / sum);
    }
    var names = root.putObject("names");
    entries.forEach(entry -> {
      double before = names.path(entry.op().name()).asDouble(0);
      names.put(entry.op().name(), before + entry.seconds() / sum);
    });
    System.out.println(root);
  }

  private static double seconds(int steps, Runnable step) {
    long start = System.nanoTime();
    for (int i = 0; i < steps; i++) {
      step.run();
    }
    return (System.nanoTime() - start) / 1e9;
  }
}
