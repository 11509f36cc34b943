package io.github.ggml4j.cli;

import io.github.ggml4j.hub.Hub;
import io.github.ggml4j.hub.HubRepo;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** The options of the Hugging Face Hub. Environment variables set address, cache and token. */
final class HubOptions {
  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  @Option(
      names = "--revision",
      defaultValue = HubRepo.MAIN,
      paramLabel = "REVISION",
      description = "Branch, tag or commit of a model on the Hub. Default: ${DEFAULT-VALUE}.")
  private String revision;

  String revision() {
    return revision;
  }

  /** The Hub. It shows the progress of downloads on standard error. */
  Hub hub() {
    return Hub.builder()
        .progress(new TransferLine("Downloading", spec.commandLine().getErr()))
        .build();
  }
}
