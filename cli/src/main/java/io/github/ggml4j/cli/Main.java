package io.github.ggml4j.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ParameterException;

/** The command line: finds the command, runs it, and turns failures into one line each. */
@Command(
    name = "ggml4j",
    description = "GPT-2 for Java: generate, fine-tune and look at models, over ggml.",
    mixinStandardHelpOptions = true,
    versionProvider = VersionCommand.class,
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {
      LabCommand.class,
      SummaryCommand.class,
      ConfigCommand.class,
      TokenizeCommand.class,
      GenerateCommand.class,
      FinetuneCommand.class,
      VersionCommand.class
    },
    footer = {
      "",
      "A model is a Hugging Face folder, a .gguf file, or bundled: the small one that comes with"
          + " ggml4j.",
      "Exit codes: 0 done, 1 failed, 2 wrong usage. Each command has --help."
    })
public final class Main implements Runnable {
  static final int FAILED = 1;
  static final int WRONG_USAGE = 2;

  @CommandLine.Spec private CommandLine.Model.CommandSpec spec;

  /** Started by the launcher. */
  public static void main(String[] args) {
    var exitCode = commandLine().execute(args);
    System.exit(exitCode);
  }

  static CommandLine commandLine() {
    return new CommandLine(new Main())
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setExpandAtFiles(false)
        .setParameterExceptionHandler(Main::wrongUsage)
        .setExecutionExceptionHandler(Main::failed);
  }

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "A command is missing");
  }

  private static int wrongUsage(ParameterException e, String[] args) {
    var command = e.getCommandLine();
    var name = command.getCommandSpec().qualifiedName();
    command.getErr().println(name + ": " + e.getMessage() + " (see " + name + " --help)");
    return WRONG_USAGE;
  }

  private static int failed(Exception e, CommandLine command, CommandLine.ParseResult args) {
    if (e instanceof ParameterException wrong) {
      return wrongUsage(wrong, new String[0]);
    }
    command.getErr().println("ggml4j: " + Failures.describe(e));
    if (System.getenv("GGML4J_STACKTRACE") != null) {
      e.printStackTrace(command.getErr());
    }
    return FAILED;
  }
}
