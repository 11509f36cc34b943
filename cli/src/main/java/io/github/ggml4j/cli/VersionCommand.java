package io.github.ggml4j.cli;

import java.util.Objects;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

@Command(
    name = "version",
    description = "Prints the versions of ggml4j and of the Java that runs it.",
    mixinStandardHelpOptions = true)
final class VersionCommand implements Runnable, IVersionProvider {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    for (var line : getVersion()) {
      spec.commandLine().getOut().println(line);
    }
  }

  @Override
  public String[] getVersion() {
    var version = VersionCommand.class.getPackage().getImplementationVersion();
    return new String[] {
      "ggml4j " + Objects.requireNonNullElse(version, "(not from a jar)"),
      "java " + Runtime.version() + ", " + System.getProperty("java.vm.name"),
      "%s %s".formatted(System.getProperty("os.name"), System.getProperty("os.arch")),
    };
  }
}
