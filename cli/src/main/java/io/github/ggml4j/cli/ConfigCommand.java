package io.github.ggml4j.cli;

import io.github.ggml4j.model.ModelFiles;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
    name = "config",
    description = "Prints a model's configuration, as Hugging Face's config.json.",
    mixinStandardHelpOptions = true,
    footer = {"", "Example:", "  ggml4j config --model gpt2.gguf"})
final class ConfigCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Option(
      names = "--model",
      defaultValue = ModelOptions.BUNDLED,
      paramLabel = "MODEL",
      description = ModelOptions.MODEL)
  private String model;

  @Mixin private HubOptions hub;

  @Override
  public void run() {
    try (var files = ModelFiles.open(model, hub::hub, hub.revision())) {
      spec.commandLine().getOut().println(files.config().toJson().strip());
    }
  }
}
