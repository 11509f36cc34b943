package io.github.ggml4j.cli;

import io.github.ggml4j.TextGenerator;
import io.github.ggml4j.trainer.Progress;
import io.github.ggml4j.trainer.Trainer;
import io.github.ggml4j.trainer.data.Datasets;
import io.github.ggml4j.trainer.optim.AdamW;
import io.github.ggml4j.trainer.schedule.LinearWarmup;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

@Command(
    name = "lab",
    description =
        "Shows a model, generates, fine-tunes on source code, and generates again; offline.",
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "Writes no files. The files in examples/ do the same in Java, step by step.",
      "",
      "Examples:",
      "  ggml4j lab",
      "  ggml4j lab --epochs 1 --threads 2"
    })
final class LabCommand implements Callable<Integer> {
  static final String STORY = "Once upon a time";
  static final String CODE = "def sum(a, b):";

  @Spec private CommandSpec spec;
  @Mixin private ModelOptions model;

  @Option(
      names = "--epochs",
      defaultValue = "5",
      paramLabel = "N",
      description = "Passes over the source code. Default: ${DEFAULT-VALUE}.")
  private int epochs;

  @Option(
      names = "--max-length",
      defaultValue = "100",
      paramLabel = "N",
      description =
          "Maximum length of a text in tokens, prompt included. Default: ${DEFAULT-VALUE}.")
  private int maxLength;

  @Option(
      names = "--seed",
      defaultValue = "42",
      paramLabel = "N",
      description = "The same seed gives the same texts. Default: ${DEFAULT-VALUE}.")
  private long seed;

  @Override
  public Integer call() {
    if (epochs < 1) {
      throw new ParameterException(
          spec.commandLine(), "--epochs is " + epochs + ", expected at least 1");
    }
    var files = model.open();
    var tokenizer = files.tokenizer();
    try (var loaded = model.load(files);
        var generator = TextGenerator.of(loaded, tokenizer)) {
      title("The model");
      out().println(loaded.summary());
      title("Its configuration");
      out().println(loaded.config().toJson().strip());
      title("It continues \"" + STORY + "\"");
      generate(generator, STORY);
      title("It continues \"" + CODE + "\"");
      generate(generator, CODE);
      var code = CodeExamples.documents();
      title("It is fine-tuned on " + code.size() + " files of source code");
      var result =
          Trainer.of(loaded, tokenizer)
              .batchSize(4)
              .epochs(epochs)
              .packing(true)
              .optimizer(AdamW.learningRate(2e-3))
              .schedule(LinearWarmup.steps(20))
              .seed(seed)
              .progress(Progress.console())
              .fit(Datasets.of(code));
      if (result.steps() > 0) {
        out().println(FinetuneCommand.describe(result));
      }
      if (result.cancelled()) {
        return Main.INTERRUPTED;
      }
      title("Now it continues \"" + CODE + "\"");
      generate(generator, CODE);
    }
    return ExitCode.OK;
  }

  private PrintWriter out() {
    return spec.commandLine().getOut();
  }

  private void title(String text) {
    out().println();
    out().println("==== " + text);
    out().println();
  }

  private void generate(TextGenerator generator, String prompt) {
    var texts =
        generator.generate(prompt, g -> g.maxLength(maxLength).numReturnSequences(5).seed(seed));
    for (int i = 0; i < texts.size(); i++) {
      Texts.print(out(), i + 1, texts.get(i));
    }
  }
}
