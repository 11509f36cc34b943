package io.github.ggml4j.cli;

import io.github.ggml4j.hub.Hub;
import io.github.ggml4j.io.ModelFiles;
import io.github.ggml4j.io.Models;
import io.github.ggml4j.model.Gpt2Model;
import io.github.ggml4j.tensor.Device;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Options that choose a model and its device. */
final class ModelOptions {
  static final String BUNDLED = ModelFiles.BUNDLED;
  static final String MODEL =
      "A Hugging Face folder, a .gguf file, a model on the Hub such as gpt2 or org/name, or"
          + " bundled: the small model that comes with ggml4j. Default: ${DEFAULT-VALUE}.";

  @Option(names = "--model", defaultValue = BUNDLED, paramLabel = "MODEL", description = MODEL)
  private String model;

  @Mixin private HubOptions hub;

  @Option(
      names = "--device",
      defaultValue = "auto",
      paramLabel = "DEVICE",
      description = {
        "auto, cpu, cpu-stock (ggml's own ops only, slow), or a GPU such as cuda or cuda:1.",
        "Default: ${DEFAULT-VALUE}."
      })
  private String device;

  @Option(
      names = "--threads",
      defaultValue = "0",
      paramLabel = "N",
      description = "CPU threads; 0: one for each processor. Default: ${DEFAULT-VALUE}.")
  private int threads;

  @Spec(Spec.Target.MIXEE)
  private CommandSpec command;

  ModelFiles open() {
    return ModelFiles.open(model, hub::hub, hub.revision());
  }

  /** The value of {@code --device}. */
  String device() {
    return device;
  }

  /** The Hugging Face Hub. */
  Hub hub() {
    return hub.hub();
  }

  /** Loads opened files onto the device. The model then owns the files; a failure closes them. */
  Gpt2Model load(ModelFiles files) {
    Device opened;
    try {
      opened = Device.open(device, threads, command.commandLine().getErr()::println);
    } catch (RuntimeException | Error e) {
      files.close();
      throw e;
    }
    return Models.load(files, opened);
  }
}
