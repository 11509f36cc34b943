package io.github.ggml4j.cli;

import io.github.ggml4j.trainer.Padding;
import io.github.ggml4j.trainer.Progress;
import io.github.ggml4j.trainer.Trainer;
import io.github.ggml4j.trainer.TrainingResult;
import io.github.ggml4j.trainer.optim.AdamW;
import io.github.ggml4j.trainer.optim.Optimizer;
import io.github.ggml4j.trainer.optim.Sgd;
import io.github.ggml4j.trainer.schedule.ConstantWarmup;
import io.github.ggml4j.trainer.schedule.CosineWarmup;
import io.github.ggml4j.trainer.schedule.LinearWarmup;
import io.github.ggml4j.trainer.schedule.Schedule;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import tools.jackson.databind.json.JsonMapper;

@Command(
    name = "finetune",
    description = "Trains a model on your texts and writes it as a Hugging Face folder.",
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "The output has metrics.jsonl beside the model: a line of JSON for each step with step,"
          + " epoch, loss, learning_rate, grad_norm and tokens_per_second. Ctrl-C ends after the"
          + " running step and saves. With --resumable it keeps, in a file"
          + " training.incomplete three times as large as the model in float32, what it takes for"
          + " the same command to go on as if it had never stopped.",
      "",
      "A file for --config is YAML or JSON with the options' names, and - or _ between their"
          + " words:",
      "  train: [book.txt, letters.jsonl]",
      "  output: my-model",
      "  learning_rate: 2e-3",
      "What stands on the command line goes before it.",
      "",
      "Examples:",
      "  ggml4j finetune --train src --glob '*.java' --output my-model",
      "  ggml4j finetune --train book.txt --packing --epochs 1 --output my-model",
      "  ggml4j finetune --model gpt2 --output my-model --max-steps 1000 \\",
      "    --train hf://datasets/codeparrot/github-code-clean \\",
      "    --where language=Python --text-column code",
      "  ggml4j finetune --config training.yaml --learning-rate 1e-3 --json"
    })
final class FinetuneCommand implements Callable<Integer> {
  enum ScheduleName {
    linear,
    cosine,
    constant
  }

  enum OptimizerName {
    adamw,
    sgd
  }

  @Spec private CommandSpec spec;
  @Mixin private ModelOptions model;
  @Mixin private PrecisionOptions precision;

  @Mixin private TrainingData data;

  @Option(
      names = "--output",
      required = true,
      paramLabel = "DIR",
      description = "The folder for the trained model; made if it does not exist.")
  private Path output;

  @Option(
      names = "--epochs",
      defaultValue = "5",
      paramLabel = "N",
      description = "Passes over the data. Default: ${DEFAULT-VALUE}.")
  private int epochs;

  @Option(
      names = "--max-steps",
      paramLabel = "N",
      description = "End after this many updates, if epochs do not before.")
  private @Nullable Long maxSteps;

  @Option(
      names = "--batch-size",
      defaultValue = "8",
      paramLabel = "N",
      description = "Sequences in a batch. Default: ${DEFAULT-VALUE}.")
  private int batchSize;

  @Option(
      names = "--gradient-accumulation-steps",
      defaultValue = "1",
      paramLabel = "N",
      description = "Batches in an update. Default: ${DEFAULT-VALUE}.")
  private int gradientAccumulationSteps;

  @Option(
      names = "--max-sequence-length",
      defaultValue = "128",
      paramLabel = "N",
      description = "Tokens of a sequence; longer documents are cut. Default: ${DEFAULT-VALUE}.")
  private int maxSequenceLength;

  @Option(
      names = "--packing",
      description = "Join documents and cut them into full sequences, so that nothing is left out.")
  private boolean packing;

  @Option(
      names = "--padding",
      defaultValue = "masked",
      paramLabel = "HOW",
      description =
          "masked, or learned: short documents are filled up, and the filling is learned."
              + " Default: ${DEFAULT-VALUE}.")
  private Padding padding;

  @Option(
      names = "--learning-rate",
      defaultValue = "3e-5",
      paramLabel = "X",
      description = "Highest learning rate. Default: ${DEFAULT-VALUE}.")
  private double learningRate;

  @Option(
      names = "--schedule",
      defaultValue = "linear",
      paramLabel = "NAME",
      description =
          "Course of the learning rate after the warmup: ${COMPLETION-CANDIDATES}."
              + " Default: ${DEFAULT-VALUE}.")
  private ScheduleName schedule;

  @Option(
      names = "--warmup-steps",
      defaultValue = "500",
      paramLabel = "N",
      description = "Updates until the highest rate is reached. Default: ${DEFAULT-VALUE}.")
  private long warmupSteps;

  @Option(
      names = "--optimizer",
      defaultValue = "adamw",
      paramLabel = "NAME",
      description = "${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}.")
  private OptimizerName optimizer;

  @Option(
      names = "--weight-decay",
      defaultValue = "0",
      paramLabel = "X",
      description = "Decoupled weight decay. Default: ${DEFAULT-VALUE}.")
  private double weightDecay;

  @Option(
      names = "--clip-norm",
      defaultValue = "1",
      paramLabel = "X",
      description =
          "Largest norm of all gradients together; 0: no limit. Default:" + " ${DEFAULT-VALUE}.")
  private double clipNorm;

  @Option(
      names = "--dropout",
      paramLabel = "P",
      description = "Probability of all dropouts. Default: the model's own, usually 0.1.")
  private @Nullable Double dropout;

  @Option(
      names = "--no-shuffle",
      description = "Keep the order of the data; else it is shuffled for each epoch.")
  private boolean noShuffle;

  @Option(
      names = "--seed",
      defaultValue = "42",
      paramLabel = "N",
      description = "The same seed trains the same model. Default: ${DEFAULT-VALUE}.")
  private long seed;

  @Option(
      names = "--resumable",
      description = "If interrupted, keep what it takes to go on; the same command then does so.")
  private boolean resumable;

  @Option(
      names = "--config",
      paramLabel = "FILE",
      description = "Options from a file in YAML or JSON; those of the command line go before.")
  @SuppressWarnings("unused") // read before the options are: see ConfigFile
  private @Nullable Path config;

  @Option(names = "--json", description = "Print the result as JSON.")
  private boolean json;

  @Override
  public Integer call() {
    precision.apply();
    checkOptions();
    var dataset = data.open(model::hub);
    var files = model.open();
    var tokenizer = files.tokenizer();
    TrainingResult result;
    try (var loaded = model.load(files)) {
      var trainer =
          Trainer.of(loaded, tokenizer)
              .batchSize(batchSize)
              .epochs(epochs)
              .maxSequenceLength(maxSequenceLength)
              .optimizer(optimizer())
              .schedule(schedule())
              .clipNorm(clipNorm)
              .gradientAccumulationSteps(gradientAccumulationSteps)
              .shuffle(!noShuffle)
              .seed(seed)
              .packing(packing)
              .padding(padding)
              .progress(Progress.console())
              .metrics(output.resolve("metrics.jsonl"))
              .saveTo(output);
      if (dropout != null) {
        trainer.dropout(dropout);
      }
      if (maxSteps != null) {
        trainer.maxSteps(maxSteps);
      }
      if (resumable) {
        trainer.checkpoint(output.resolve("training.incomplete")); // Such files are not published
      }
      spec.commandLine().getErr().println("memory: " + trainer.estimateMemory().brief());
      result = trainer.fit(dataset);
    }
    var out = spec.commandLine().getOut();
    if (json) {
      out.println(json(result));
    } else {
      out.println(describe(result));
      out.println("Saved to " + output);
    }
    return result.cancelled() ? Main.INTERRUPTED : 0;
  }

  private static String json(TrainingResult result) {
    var node = JsonMapper.shared().createObjectNode();
    node.put("steps", result.steps());
    node.put("epochs", result.epochs());
    node.put("first_loss", result.firstLoss());
    node.put("last_loss", result.lastLoss());
    node.put("mean_loss", result.meanLoss());
    node.put("tokens", result.tokens());
    node.put("seconds", result.duration().toMillis() / 1000.0);
    node.put("cancelled", result.cancelled());
    node.put("saved_to", result.savedTo().map(Path::toString).orElse(null));
    return node.toString();
  }

  static String describe(TrainingResult result) {
    double seconds = Math.max(1e-3, result.duration().toMillis() / 1000.0);
    return String.format(
        Locale.ROOT,
        "%s %,d steps, %,d tokens in %.0f s (%,.0f tokens/s): loss from %.3f to %.3f",
        result.cancelled() ? "Cancelled after" : "Trained",
        result.steps(),
        result.tokens(),
        seconds,
        result.tokens() / seconds,
        result.firstLoss(),
        result.lastLoss());
  }

  private void checkOptions() {
    if (Files.exists(output) && !Files.isDirectory(output)) {
      throw new ParameterException(
          spec.commandLine(), "--output " + output + " is a file, expected a folder");
    }
    if (packing && padding == Padding.LEARNED) {
      throw new ParameterException(
          spec.commandLine(), "--padding learned and --packing exclude each other");
    }
  }

  private Optimizer optimizer() {
    return switch (optimizer) {
      case adamw -> AdamW.learningRate(learningRate).weightDecay(weightDecay);
      case sgd -> Sgd.learningRate(learningRate).weightDecay(weightDecay);
    };
  }

  private Schedule schedule() {
    return switch (schedule) {
      case linear -> LinearWarmup.steps(warmupSteps);
      case cosine -> CosineWarmup.steps(warmupSteps);
      case constant -> ConstantWarmup.steps(warmupSteps);
    };
  }
}
