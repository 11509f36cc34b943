package io.github.ggml4j.cli;

import io.github.ggml4j.model.Gpt2Model;
import io.github.ggml4j.tensor.Device;
import java.nio.file.Path;
import picocli.CommandLine.Option;

/** Which model, and what computes it. */
final class ModelOptions {
  @Option(
      names = "--model",
      required = true,
      paramLabel = "MODEL",
      description = "A Hugging Face folder or a .gguf file.")
  private Path model;

  @Option(
      names = "--device",
      defaultValue = "auto",
      paramLabel = "DEVICE",
      description = "auto, cpu, or a GPU such as cuda or cuda:1. Default: ${DEFAULT-VALUE}.")
  private String device;

  @Option(
      names = "--threads",
      defaultValue = "0",
      paramLabel = "N",
      description = "CPU threads; 0 for one for each processor. Default: ${DEFAULT-VALUE}.")
  private int threads;

  Path path() {
    return model;
  }

  Gpt2Model load() {
    return Gpt2Model.load(model, Device.open(device, threads));
  }
}
