package io.github.ggml4j.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

@Command(
    name = "summary",
    description = "Prints a model's layers, with their shapes and parameters.",
    mixinStandardHelpOptions = true,
    footer = {"", "Example:", "  ggml4j summary --model gpt2.gguf"})
final class SummaryCommand implements Runnable {
  @Spec private CommandSpec spec;
  @Mixin private ModelOptions model;

  @Override
  public void run() {
    try (var loaded = model.load(model.open())) {
      spec.commandLine().getOut().println(loaded.summary());
    }
  }
}
