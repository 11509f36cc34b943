package io.github.ggml4j.examples;

import io.github.ggml4j.TextGenerator;
import io.github.ggml4j.trainer.Progress;
import io.github.ggml4j.trainer.Trainer;
import io.github.ggml4j.trainer.TrainingResult;
import io.github.ggml4j.trainer.data.Datasets;
import io.github.ggml4j.trainer.optim.AdamW;
import io.github.ggml4j.trainer.schedule.LinearWarmup;
import java.nio.file.Path;

/** Fine-tunes a model on source code and saves it as a Hugging Face folder. */
public final class Step3FineTune {
  private Step3FineTune() {}

  /** Optional arguments: a folder with code, and the output folder. */
  public static void main(String... args) {
    var code = Path.of(args.length > 0 ? args[0] : "examples/code");
    var output = Path.of(args.length > 1 ? args[1] : "target/code-model");
    System.out.println(fineTune(code, output, 5, 128));
  }

  static TrainingResult fineTune(Path code, Path output, int epochs, int maxSequenceLength) {
    try (var generator = TextGenerator.load("bundled")) {
      return Trainer.of(generator.model(), generator.tokenizer())
          .batchSize(4)
          .epochs(epochs)
          .maxSequenceLength(maxSequenceLength)
          .packing(true)
          .optimizer(AdamW.learningRate(2e-3))
          .schedule(LinearWarmup.steps(20))
          .progress(Progress.console())
          .metrics(output.resolve("metrics.jsonl"))
          .saveTo(output)
          .fit(Datasets.folder(code, "*.py"));
    }
  }
}
