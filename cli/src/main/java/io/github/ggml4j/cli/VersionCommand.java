package io.github.ggml4j.cli;

import io.github.ggml4j.Ggml4j;
import java.util.List;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import tools.jackson.databind.json.JsonMapper;

@Command(
    name = "version",
    description = "Prints the versions of ggml4j, Java and the native libraries, for bug reports.",
    mixinStandardHelpOptions = true,
    footer = {"", "Examples:", "  ggml4j version", "  ggml4j version --json"})
final class VersionCommand implements Runnable, IVersionProvider {
  @Spec private CommandSpec spec;

  @Option(names = "--json", description = "Print JSON.")
  private boolean json;

  @Override
  public void run() {
    var out = spec.commandLine().getOut();
    if (json) {
      out.println(json());
      return;
    }
    for (var line : versions()) {
      out.println(line);
    }
    out.println(Ggml4j.describeNatives());
  }

  private static String json() {
    var node = JsonMapper.shared().createObjectNode();
    node.put("ggml4j", Ggml4j.version());
    node.put("java", Runtime.version().toString());
    node.put("vm", System.getProperty("java.vm.name"));
    node.put("os", System.getProperty("os.name"));
    node.put("arch", System.getProperty("os.arch"));
    var natives = node.putObject("natives");
    for (var line : Ggml4j.describeNatives().lines().toList()) {
      var nameAndValue = line.split("\\s+", 2);
      natives.put(nameAndValue[0], nameAndValue.length > 1 ? nameAndValue[1] : "");
    }
    return node.toString();
  }

  /**
   * The versions for {@code --version}, which works even if the native libraries cannot be loaded.
   */
  @Override
  public String[] getVersion() {
    String natives;
    try {
      natives = Ggml4j.describeNatives();
    } catch (RuntimeException | LinkageError e) {
      natives = "natives   cannot be loaded: " + Failures.describe(e);
    }
    return Stream.concat(versions().stream(), natives.lines()).toArray(String[]::new);
  }

  private static List<String> versions() {
    return List.of(
        "ggml4j " + Ggml4j.version(),
        "java " + Runtime.version() + ", " + System.getProperty("java.vm.name"),
        "%s %s".formatted(System.getProperty("os.name"), System.getProperty("os.arch")));
  }
}
