package io.github.ggml4j.cli;

import io.github.ggml4j.trainer.Trainer;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options of the evaluation in a training. */
final class EvaluationArguments {
  @Option(
      names = "--eval",
      paramLabel = "DATA",
      description =
          "Evaluation data, of the same kinds as --train. Loss, perplexity and accuracy are"
              + " printed at the end of each epoch, or every --eval-steps steps.")
  @SetsParameter("evaluate")
  @Nullable String eval;

  @Option(
      names = "--eval-steps",
      paramLabel = "N",
      description = "Evaluate every N steps. Default: at the end of each epoch.")
  private @Nullable Long evalSteps;

  @Option(names = "--eval-on-start", description = "Evaluate also before the first step.")
  private boolean evalOnStart;

  @Option(
      names = {"--eval-batch-size", "--per-device-eval-batch-size"},
      paramLabel = "N",
      description = "Sequences in a batch of the evaluation. Default: --batch-size.")
  private @Nullable Integer evalBatchSize;

  @Option(
      names = "--sample-prompt",
      paramLabel = "TEXT",
      description = "Continue this text in each evaluation. May be given several times.")
  @SetsParameter("samplePrompts")
  private List<String> samplePrompts = List.of();

  @Option(
      names = "--early-stopping-patience",
      paramLabel = "N",
      description = "End the training after N evaluations without a lower loss.")
  private @Nullable Integer earlyStoppingPatience;

  @Option(
      names = "--early-stopping-threshold",
      paramLabel = "LOSS",
      description = "How much lower the loss must be to count as lower. Default: 0.")
  private @Nullable Double earlyStoppingThreshold;

  @Option(
      names = {"--save-best", "--load-best-model-at-end"},
      description = "Save the model of the evaluation with the lowest loss, not the last one.")
  private boolean saveBest;

  /** Sets the options that were given; the data is set by the caller. */
  void apply(Trainer trainer) {
    if (evalSteps != null) {
      trainer.evalSteps(evalSteps);
    }
    if (evalBatchSize != null) {
      trainer.evalBatchSize(evalBatchSize);
    }
    if (earlyStoppingPatience != null) {
      trainer.earlyStoppingPatience(earlyStoppingPatience);
    }
    if (earlyStoppingThreshold != null) {
      trainer.earlyStoppingThreshold(earlyStoppingThreshold);
    }
    trainer
        .evalOnStart(evalOnStart)
        .samplePrompts(samplePrompts.toArray(String[]::new))
        .saveBest(saveBest);
  }
}
