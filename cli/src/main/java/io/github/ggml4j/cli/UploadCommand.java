package io.github.ggml4j.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.json.JsonMapper;

@Command(
    name = "upload",
    description =
        "Publishes a model folder on the Hugging Face Hub, and prints the page of the commit.",
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "Needs an access token with write permission, in HF_TOKEN or from a login with"
          + " huggingface_hub. The repository is created if it does not exist. If the model has no"
          + " README.md, a short one is added.",
      "",
      "Example:",
      "  ggml4j upload code-model my-account/code-model --private"
    })
final class UploadCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @Mixin private HubOptions hub;

  @Parameters(index = "0", paramLabel = "FOLDER", description = "The folder with the model.")
  private Path folder;

  @Parameters(index = "1", paramLabel = "REPO", description = "The repository, as account/name.")
  private String repo;

  @Option(names = "--message", paramLabel = "TEXT", description = "The commit's message.")
  private @Nullable String message;

  @Option(
      names = "--private",
      description = "If the repository does not exist, create it as private.")
  private boolean isPrivate;

  @Option(names = "--json", description = "Print commit and page as JSON.")
  private boolean json;

  @Override
  public Integer call() {
    if (!Files.isDirectory(folder)) {
      throw new ParameterException(
          spec.commandLine(), folder + " is not a folder, expected one with a model to publish");
    }
    var pushed =
        hub.hub()
            .model(repo)
            .revision(hub.revision())
            .pushToHub(
                folder,
                options -> {
                  options.isPrivate(isPrivate);
                  options.progress(new TransferLine("Uploading", spec.commandLine().getErr()));
                  if (message != null) {
                    options.message(message);
                  }
                });
    if (json) {
      var node = JsonMapper.shared().createObjectNode();
      node.put("commit", pushed.commit());
      node.put("url", pushed.url());
      spec.commandLine().getOut().println(node);
    } else {
      spec.commandLine().getOut().println(pushed.url());
    }
    return ExitCode.OK;
  }
}
