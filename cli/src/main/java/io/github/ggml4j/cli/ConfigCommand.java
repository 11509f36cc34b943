package io.github.ggml4j.cli;

import io.github.ggml4j.io.ModelFiles;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import tools.jackson.databind.json.JsonMapper;

@Command(
    name = "config",
    description = "Prints a model's configuration, as Hugging Face's config.json.",
    mixinStandardHelpOptions = true,
    footer = {"", "Examples:", "  ggml4j config", "  ggml4j config --model gpt2.gguf --json"})
final class ConfigCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Option(
      names = "--model",
      defaultValue = ModelOptions.BUNDLED,
      paramLabel = "MODEL",
      description = ModelOptions.MODEL)
  private String model;

  @Mixin private HubOptions hub;

  @Option(names = "--json", description = "Print it as JSON in one line.")
  private boolean json;

  @Override
  public void run() {
    var text = ModelFiles.readConfig(model, hub::hub, hub.revision()).toJson().strip();
    spec.commandLine()
        .getOut()
        .println(json ? JsonMapper.shared().readTree(text).toString() : text);
  }
}
