package io.github.ggml4j.cli;

import io.github.ggml4j.Ggml4j;
import io.github.ggml4j.evaluation.Speed;
import io.github.ggml4j.evaluation.SpeedTest;
import io.github.ggml4j.internal.Check;
import io.github.ggml4j.model.Gpt2Model;
import io.github.ggml4j.tensor.Device;
import io.github.ggml4j.tensor.DeviceInfo;
import io.github.ggml4j.trainer.Trainer;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import tools.jackson.databind.json.JsonMapper;

@Command(
    name = "bench",
    description = "Measures the speed of prompts, generation and training on this machine.",
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "Results are checked before they are timed. Each line shows the median of all runs, the"
          + " single runs, and the memory: on a GPU the memory of the model and the run, on the"
          + " CPU the peak memory of the process. Close other programs first: they slow the runs"
          + " down.",
      "",
      "Examples:",
      "  ggml4j bench --model gpt2.gguf",
      "  ggml4j bench --only decode,batch --runs 10 --json"
    })
final class BenchCommand implements Callable<Integer> {
  enum What {
    prompt,
    decode,
    batch,
    training
  }

  private static final double GIB = 1L << 30;

  @Spec private CommandSpec spec;
  @Mixin private ModelOptions model;
  @Mixin private PrecisionOptions precision;

  @Option(
      names = "--only",
      split = ",",
      paramLabel = "NAME",
      description = "What to measure: one or more of ${COMPLETION-CANDIDATES}. Default: all.")
  private List<What> only = List.of(What.values());

  @Option(
      names = "--prompt-length",
      paramLabel = "N",
      description = "Tokens of a prompt. Default: 512, or the model's n_positions if that is less.")
  private @Nullable Integer promptLength;

  @Option(
      names = "--new-tokens",
      paramLabel = "N",
      description = "Tokens that each sequence generates. Default: 64.")
  private @Nullable Integer newTokens;

  @Option(
      names = "--sequences",
      defaultValue = "5",
      paramLabel = "N",
      description = "Sequences of a batch. Default: ${DEFAULT-VALUE}.")
  private int sequences;

  @Option(
      names = "--batch-size",
      defaultValue = "" + Trainer.DEFAULT_BATCH_SIZE,
      paramLabel = "N",
      description = "Sequences of a training step. Default: ${DEFAULT-VALUE}.")
  private int batchSize;

  @Option(
      names = "--gradient-accumulation-steps",
      defaultValue = "1",
      paramLabel = "N",
      description = "Batches of a training step. Default: ${DEFAULT-VALUE}.")
  private int accumulation;

  @Option(
      names = "--max-sequence-length",
      paramLabel = "N",
      description =
          "Tokens of each sequence of a training step. Default: "
              + Trainer.DEFAULT_SEQUENCE_LENGTH
              + ", or the model's n_positions if that is less.")
  private @Nullable Integer maxSequenceLength;

  @Option(
      names = "--runs",
      defaultValue = "5",
      paramLabel = "N",
      description = "Runs of each measurement, after one to warm up. Default: ${DEFAULT-VALUE}.")
  private int runs;

  @Option(names = "--json", description = "Print JSON.")
  private boolean json;

  @Override
  public Integer call() {
    precision.apply();
    var out = spec.commandLine().getOut();
    var memory = MemoryUse.now(model.device());
    try (var stop = new StopAtExit();
        var line = new ProgressLine(spec.commandLine().getErr());
        var loaded = model.load(model.open())) {
      var test = configure(SpeedTest.of(loaded));
      int length = trainingLength(loaded);
      TrainingSpeed.check(batchSize, accumulation, length);
      var machine = machine(loaded);
      if (!json) {
        out.println(machine.describe());
        out.println();
      }
      line.show("checking results");
      test.checkResults();
      var speeds = new ArrayList<Speed>();
      var used = new ArrayList<Long>();
      for (var what : What.values()) {
        if (only.contains(what)) {
          line.show("measuring " + what);
          var speed = measure(what, test, loaded, length);
          line.clear();
          speeds.add(speed);
          used.add(memory.of(speed, loaded.device()));
          if (!json) {
            print(speed, used.getLast(), out);
          }
        }
      }
      if (json) {
        out.println(machine.json(speeds, used));
      }
    }
    return ExitCode.OK;
  }

  private SpeedTest configure(SpeedTest test) {
    var configured = test.sequences(sequences).runs(runs);
    if (promptLength != null) {
      configured = configured.promptLength(promptLength);
    }
    return newTokens == null ? configured : configured.newTokens(newTokens);
  }

  private int trainingLength(Gpt2Model loaded) {
    int positions = loaded.config().nPositions();
    return maxSequenceLength == null
        ? Math.min(Trainer.DEFAULT_SEQUENCE_LENGTH, positions)
        : Check.between("maxSequenceLength", maxSequenceLength, 2, positions);
  }

  /** Training is measured last, since it makes the weights F32. */
  private Speed measure(What what, SpeedTest test, Gpt2Model loaded, int length) {
    return switch (what) {
      case prompt -> test.prompt();
      case decode -> test.decode();
      case batch -> test.batch();
      case training -> TrainingSpeed.measure(loaded, batchSize, accumulation, length, runs);
    };
  }

  private static void print(Speed speed, long memory, PrintWriter out) {
    double spread = 100 * (speed.max() - speed.min()) / speed.tokensPerSecond();
    out.println(
        String.format(
            Locale.ROOT,
            "%-9s %8.1f tokens/s  (spread %.0f%%; %s)  %.2f GiB",
            speed.name(),
            speed.tokensPerSecond(),
            spread,
            speed.runs().stream()
                .map(run -> String.format(Locale.ROOT, "%.1f", run))
                .collect(Collectors.joining(", ")),
            memory / GIB));
    out.flush();
  }

  private static Machine machine(Gpt2Model loaded) {
    var device = loaded.device();
    var known =
        Device.list().stream()
            .filter(info -> info.name().equals(device.name()))
            .findFirst()
            .or(() ->
                Device.list().stream()
                    .filter(info -> info.kind() == DeviceInfo.Kind.CPU)
                    .findFirst())
            .orElse(null);
    return new Machine(
        device.toString(),
        known == null ? "unknown" : known.description(),
        known == null ? 0 : known.totalMemory(),
        loaded.toString(),
        loaded.parameterCount());
  }

  /** The machine and the model that were measured. */
  private record Machine(
      String device, String product, long memory, String model, long parameters) {
    String describe() {
      return String.format(
          Locale.ROOT,
          "ggml4j %s, Java %s, %s %s%n%s: %s, %d processors, %.1f GiB%n%s, %,d parameters",
          Ggml4j.version(),
          Runtime.version(),
          System.getProperty("os.name"),
          System.getProperty("os.arch"),
          device,
          product,
          Runtime.getRuntime().availableProcessors(),
          memory / GIB,
          model,
          parameters);
    }

    String json(List<Speed> speeds, List<Long> used) {
      var root = JsonMapper.shared().createObjectNode();
      var machine = root.putObject("machine");
      machine.put("ggml4j", Ggml4j.version());
      machine.put("java", Runtime.version().toString());
      machine.put("os", System.getProperty("os.name"));
      machine.put("arch", System.getProperty("os.arch"));
      machine.put("device", device);
      machine.put("product", product);
      machine.put("processors", Runtime.getRuntime().availableProcessors());
      machine.put("memory", memory);
      root.put("model", model);
      root.put("parameters", parameters);
      var results = root.putArray("results");
      for (int i = 0; i < speeds.size(); i++) {
        var result = results.addObject();
        TypeTable.put(result, speeds.get(i));
        result.put("memory", used.get(i));
      }
      return root.toString();
    }
  }
}
