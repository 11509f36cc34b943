package io.github.ggml4j.cli;

import io.github.ggml4j.trainer.EvaluationMetrics;
import io.github.ggml4j.trainer.Padding;
import io.github.ggml4j.trainer.Progress;
import io.github.ggml4j.trainer.StepMetrics;
import io.github.ggml4j.trainer.Trainer;
import io.github.ggml4j.trainer.TrainerControl;
import io.github.ggml4j.trainer.TrainingListener;
import io.github.ggml4j.trainer.TrainingPlan;
import io.github.ggml4j.trainer.TrainingResult;
import io.github.ggml4j.trainer.optim.Optimizers;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
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
      "The output folder also contains metrics.jsonl, with one line of JSON for each step: step,"
          + " epoch, loss, learning_rate, grad_norm and tokens_per_second.",
      "",
      "Every --save-steps steps a checkpoint is written in the background: a folder checkpoint-STEP"
          + " in the output folder, three times as large as the model in float32. If the training"
          + " ends early, for whatever reason, the same command with --resume goes on from the newest"
          + " checkpoint, with the same result as an uninterrupted training.",
      "",
      "Ctrl-C stops after the current step and saves the model and a checkpoint; before the first"
          + " step it saves nothing.",
      "",
      "A file for --config is YAML or JSON. It contains names of options, with - or _ between"
          + " words:",
      "  train: [book.txt, letters.jsonl]",
      "  output: my-model",
      "  learning_rate: 2e-3",
      "  packing: yes",
      "  where: {language: Python}",
      "Relative paths in it are relative to the current folder. Options on the command line take"
          + " precedence.",
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
  private static final class OptimizerNames implements Iterable<String> {
    @Override
    public Iterator<String> iterator() {
      return Optimizers.names().iterator();
    }
  }

  @Spec private CommandSpec spec;
  @Mixin private ModelOptions model;
  @Mixin private PrecisionOptions precision;

  @Mixin private TrainingData data;

  @Option(
      names = "--output",
      required = true,
      paramLabel = "DIR",
      description = "The folder for the trained model; created if it does not exist.")
  @SetsParameter({"saveTo", "checkpoints"})
  private Path output;

  @Option(
      names = "--epochs",
      paramLabel = "N",
      description =
          "Passes over the data. Default: "
              + Trainer.DEFAULT_EPOCHS
              + ", or as many as --max-steps needs.")
  private @Nullable Integer epochs;

  @Option(
      names = "--max-steps",
      paramLabel = "N",
      description =
          "Maximum number of optimizer steps; with --epochs, training ends at the one that is"
              + " reached first.")
  private @Nullable Long maxSteps;

  @Option(
      names = "--batch-size",
      defaultValue = "" + Trainer.DEFAULT_BATCH_SIZE,
      paramLabel = "N",
      description = "Sequences in a batch. Default: ${DEFAULT-VALUE}.")
  private int batchSize;

  @Option(
      names = "--gradient-accumulation-steps",
      defaultValue = "1",
      paramLabel = "N",
      description =
          "Batches whose gradients are accumulated for one update. Default: ${DEFAULT-VALUE}.")
  private int gradientAccumulationSteps;

  @Option(
      names = "--max-sequence-length",
      paramLabel = "N",
      description =
          "Maximum number of tokens in a sequence; longer documents are truncated, with a warning."
              + " Default: "
              + Trainer.DEFAULT_SEQUENCE_LENGTH
              + ", or the model's n_positions if that is less.")
  private @Nullable Integer maxSequenceLength;

  @Option(
      names = "--packing",
      description =
          "Concatenate documents and split them into full sequences; no token is discarded.")
  private boolean packing;

  @Option(
      names = "--padding",
      defaultValue = "masked",
      paramLabel = "HOW",
      description =
          "How short documents are padded. masked: the loss ignores the padding; learned: the loss"
              + " includes it."
              + " Default: ${DEFAULT-VALUE}.")
  private Padding padding;

  @Option(
      names = "--learning-rate",
      defaultValue = "5e-5",
      paramLabel = "X",
      description = "Highest learning rate. Default: ${DEFAULT-VALUE}.")
  @SetsParameter("optimizer.learningRate")
  private double learningRate;

  @Mixin private ScheduleOptions schedule;

  @Option(
      names = "--optimizer",
      defaultValue = "adamw",
      paramLabel = "NAME",
      completionCandidates = OptimizerNames.class,
      description = "The optimizer: ${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}.")
  private String optimizer;

  @Option(
      names = "--weight-decay",
      defaultValue = "0",
      paramLabel = "X",
      description =
          "Weight decay: an L2 penalty on all weights for sgd, else decoupled."
              + " Default: ${DEFAULT-VALUE}.")
  @SetsParameter("optimizer.weightDecay")
  private double weightDecay;

  @Option(
      names = "--clip-norm",
      defaultValue = "1",
      paramLabel = "X",
      description =
          "Maximum global norm of the gradients; larger gradients are scaled down. 0: no clipping."
              + " Default: ${DEFAULT-VALUE}.")
  private double clipNorm;

  @Option(
      names = "--dropout",
      paramLabel = "P",
      description = "Probability of all dropouts. Default: the model's own, usually 0.1.")
  private @Nullable Double dropout;

  @Option(
      names = "--no-shuffle",
      description = "Keep the order of the data. By default it is shuffled in each epoch.")
  private boolean noShuffle;

  @Option(
      names = "--seed",
      defaultValue = "" + Trainer.DEFAULT_SEED,
      paramLabel = "N",
      description = "Seed of shuffling and dropout. Default: ${DEFAULT-VALUE}.")
  private long seed;

  @Mixin private EvaluationArguments evaluation;

  @Option(
      names = "--save-steps",
      defaultValue = "" + Trainer.DEFAULT_SAVE_STEPS,
      paramLabel = "N",
      description =
          "Write a checkpoint every N steps; 0: only after Ctrl-C. Default: ${DEFAULT-VALUE}.")
  private long saveSteps;

  @Option(
      names = "--save-total-limit",
      defaultValue = "" + Trainer.DEFAULT_SAVE_TOTAL_LIMIT,
      paramLabel = "N",
      description = "Keep the newest N checkpoints. Default: ${DEFAULT-VALUE}.")
  private int saveTotalLimit;

  @Option(
      names = "--resume",
      description =
          "Resume from the newest checkpoint in the output folder; start if there is none.")
  private boolean resume;

  @Option(
      names = "--config",
      paramLabel = "FILE",
      description =
          "A YAML or JSON file with options; options on the command line take precedence.")
  @SuppressWarnings("unused") // read by ConfigFile before the options are parsed
  private @Nullable Path config;

  @Option(names = "--json", description = "Print the result as JSON.")
  private boolean json;

  /** Shows the memory, the progress and, after an interruption, a hint how to resume. */
  private record ProgressAndHint(TrainingListener progress, PrintWriter err)
      implements TrainingListener {
    @Override
    public void onTrainBegin(TrainingPlan plan, TrainerControl control) {
      err.println("memory: " + plan.memory().brief());
      progress.onTrainBegin(plan, control);
    }

    @Override
    public void onStepEnd(StepMetrics step, TrainerControl control) {
      progress.onStepEnd(step, control);
    }

    @Override
    public void onEvaluate(EvaluationMetrics metrics, TrainerControl control) {
      progress.onEvaluate(metrics, control);
    }

    @Override
    public void onTrainEnd(TrainingResult result) {
      progress.onTrainEnd(result);
      if (result.cancelled()) {
        err.println(hint(result)); // after Ctrl-C the JVM ends when this returns
      }
    }

    @Override
    public void onFailure(Throwable failure) {
      progress.onFailure(failure);
    }
  }

  @Override
  public Integer call() {
    precision.apply();
    checkOptions();
    var chosenOptimizer = Optimizers.named(optimizer, learningRate, weightDecay);
    var chosenSchedule = schedule.schedule(learningRate);
    var dataset = data.open(model::hub);
    var evaluationData =
        evaluation.eval == null ? null : data.openEvaluation(evaluation.eval, model::hub);
    var files = model.open();
    var tokenizer = files.tokenizer();
    var err = spec.commandLine().getErr();
    TrainingResult result;
    try (var loaded = model.load(files)) {
      var trainer =
          Trainer.of(loaded, tokenizer)
              .batchSize(batchSize)
              .optimizer(chosenOptimizer)
              .schedule(chosenSchedule)
              .clipNorm(clipNorm)
              .gradientAccumulationSteps(gradientAccumulationSteps)
              .shuffle(!noShuffle)
              .seed(seed)
              .packing(packing)
              .padding(padding)
              .progress(new ProgressAndHint(Progress.console(), err))
              .checkpoints(output)
              .saveSteps(saveSteps)
              .saveTotalLimit(saveTotalLimit)
              .resume(resume)
              .metrics(output.resolve("metrics.jsonl"))
              .saveTo(output);
      evaluation.apply(trainer);
      if (evaluationData != null) {
        trainer.evaluate(evaluationData);
      }
      if (epochs != null) {
        trainer.epochs(epochs);
      }
      if (maxSequenceLength != null) {
        trainer.maxSequenceLength(maxSequenceLength);
      }
      if (dropout != null) {
        trainer.dropout(dropout);
      }
      if (maxSteps != null) {
        trainer.maxSteps(maxSteps);
      }
      result = trainer.fit(dataset);
    }
    var out = spec.commandLine().getOut();
    if (json) {
      out.println(json(result));
    } else if (result.steps() > 0) {
      out.println(describe(result));
      if (!result.cancelled()) { // else the progress says so, because the JVM ends soon
        out.println("Saved to " + output);
      }
    }
    return result.cancelled() ? Main.INTERRUPTED : 0;
  }

  /** How to go on after an interruption. */
  static String hint(TrainingResult result) {
    return result.checkpoint().isPresent()
        ? "Run the same command with --resume to go on after step " + result.steps() + "."
        : "Run the same command again to start the training.";
  }

  static String json(TrainingResult result) {
    var node = JsonMapper.shared().createObjectNode();
    node.put("steps", result.steps());
    node.put("epochs", result.epochs());
    node.put("first_loss", orNull(result.firstLoss()));
    node.put("last_loss", orNull(result.lastLoss()));
    node.put("mean_loss", orNull(result.meanLoss()));
    node.put("tokens", result.tokens());
    node.put("seconds", result.duration().toMillis() / 1000.0);
    node.put("cancelled", result.cancelled());
    node.put("end_reason", result.endReason().name().toLowerCase(Locale.ROOT));
    if (result.bestLoss().isPresent()) {
      node.put("best_step", result.bestStep().orElseThrow());
      node.put("best_loss", result.bestLoss().getAsDouble());
    }
    node.put("saved_to", result.savedTo().map(Path::toString).orElse(null));
    node.put("checkpoint", result.checkpoint().map(Path::toString).orElse(null));
    return node.toString();
  }

  /** JSON has no NaN, which the loss of a training without a step is. */
  private static @Nullable Double orNull(double loss) {
    return Double.isNaN(loss) ? null : loss;
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
          spec.commandLine(), "--output is " + output + ", which is a file; expected a folder");
    }
  }
}
