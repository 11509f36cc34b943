package io.github.ggml4j.cli;

import io.github.ggml4j.Ggml4j;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

@Command(
    name = "version",
    description =
        "Prints the versions of ggml4j, of Java and of the natives: all for a bug report.",
    mixinStandardHelpOptions = true)
final class VersionCommand implements Runnable, IVersionProvider {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    var out = spec.commandLine().getOut();
    for (var line : getVersion()) {
      out.println(line);
    }
    out.println(Ggml4j.describeNatives());
  }

  @Override
  public String[] getVersion() {
    return new String[] {
      "ggml4j " + Ggml4j.version(),
      "java " + Runtime.version() + ", " + System.getProperty("java.vm.name"),
      "%s %s".formatted(System.getProperty("os.name"), System.getProperty("os.arch")),
    };
  }
}
