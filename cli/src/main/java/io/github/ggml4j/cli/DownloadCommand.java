package io.github.ggml4j.cli;

import io.github.ggml4j.hub.HubRepo;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
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
    name = "download",
    description = "Downloads from the Hugging Face Hub into the cache, and prints the path.",
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "For a model, only the files needed to run it are downloaded. Files in the cache are not"
          + " downloaded again.",
      "The cache is shared with Python's huggingface_hub. The same environment variables apply:"
          + " HF_TOKEN,"
          + " HF_HUB_CACHE, HF_HOME, HF_ENDPOINT, HF_HUB_OFFLINE, HTTPS_PROXY, NO_PROXY.",
      "",
      "Examples:",
      "  ggml4j download gpt2",
      "  ggml4j download distilgpt2 --revision main tokenizer.json 'onnx/*'",
      "  ggml4j generate --model \"$(ggml4j download gpt2)\" --prompt Hello"
    })
final class DownloadCommand implements Callable<Integer> {
  private static final String DATASETS = "datasets/";

  @Spec private CommandSpec spec;
  @Mixin private HubOptions hub;

  @Parameters(
      index = "0",
      paramLabel = "REPO",
      description = "The repository, such as gpt2 or org/name; datasets/org/name is a dataset.")
  private String repo;

  @Parameters(
      index = "1..*",
      paramLabel = "FILE",
      description = {
        "Files or patterns: * matches any characters; a name that ends with / is a folder.",
        "Default: the files that the model needs; for a dataset, all files."
      })
  private List<String> files = List.of();

  @Option(names = "--dataset", description = "REPO is a dataset.")
  private boolean dataset;

  @Option(names = "--all", description = "Download all files of the repository.")
  private boolean all;

  @Option(names = "--json", description = "Print path and commit as JSON.")
  private boolean json;

  @Override
  public Integer call() {
    var at = repository();
    var path = download(at);
    if (json) {
      var node = JsonMapper.shared().createObjectNode();
      node.put("path", path.toString());
      node.put("commit", at.commit());
      spec.commandLine().getOut().println(node);
    } else {
      spec.commandLine().getOut().println(path);
    }
    return ExitCode.OK;
  }

  private boolean isDataset() {
    return dataset || repo.startsWith(DATASETS);
  }

  private HubRepo repository() {
    var name = repo.startsWith(DATASETS) ? repo.substring(DATASETS.length()) : repo;
    var from = hub.hub();
    try {
      return (isDataset() ? from.dataset(name) : from.model(name)).revision(hub.revision());
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), Failures.describe(e, spec), e);
    }
  }

  private Path download(HubRepo at) {
    if (files.size() == 1
        && files.getFirst().chars().noneMatch(c -> "*?[".indexOf(c) >= 0)
        && !files.getFirst().endsWith("/")) {
      return at.file(files.getFirst());
    }
    return files.isEmpty() && !all && !isDataset()
        ? at.downloadModel()
        : at.download(files.toArray(String[]::new));
  }
}
