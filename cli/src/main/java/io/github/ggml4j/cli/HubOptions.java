package io.github.ggml4j.cli;

import io.github.ggml4j.hub.Hub;
import io.github.ggml4j.hub.HubRepo;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** What of the Hugging Face Hub is used; where and how, the environment variables say. */
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

  /** The Hub; downloads are shown on standard error. */
  Hub hub() {
    return Hub.builder()
        .progress(new TransferLine("Downloading", spec.commandLine().getErr()))
        .build();
  }
}
