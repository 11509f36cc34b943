package io.github.ggml4j.cli;

import static picocli.CommandLine.Model.UsageMessageSpec.SECTION_KEY_COMMAND_LIST;
import static picocli.CommandLine.Model.UsageMessageSpec.SECTION_KEY_COMMAND_LIST_HEADING;

import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** The command line: finds the command, runs it, and turns failures into one line each. */
@Command(
    name = "ggml4j",
    description = "GPT-2 for Java: generate, fine-tune and look at models, over ggml.",
    mixinStandardHelpOptions = true,
    versionProvider = VersionCommand.class,
    synopsisSubcommandLabel = "COMMAND",
    footer = {
      "",
      "A model is a Hugging Face folder, a .gguf file, a name on the Hugging Face Hub such as gpt2"
          + " or org/name, or bundled: the small one that comes with ggml4j.",
      "Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted. Each command has --help, with"
          + " examples.",
      "",
      "Examples:",
      "  ggml4j lab",
      "  ggml4j generate --prompt 'Once upon a time'",
      "  ggml4j help finetune"
    })
public final class Main implements Runnable {
  static final int FAILED = 1;
  static final int WRONG_USAGE = 2;
  static final int INTERRUPTED = 130;

  /** As a program that the system ends for it. */
  static final int READER_GONE = 141;

  /** Messages of picocli that do not say what to do. */
  private static final Pattern UNKNOWN_COMMAND = Pattern.compile("Unknown subcommand '(.*)'\\.");

  private static final Pattern VALUE_WITH_DASH =
      Pattern.compile("Expected parameter for option '(.*)' but found '(-.*)'");

  @CommandLine.Spec private CommandLine.Model.CommandSpec spec;

  /** What {@code --config} names; null for none. */
  private @Nullable ConfigFile config;

  /** Started by the launcher. */
  public static void main(String[] args) {
    // The name and password of HTTPS_PROXY, which Java keeps to itself otherwise
    System.setProperty("jdk.http.auth.tunneling.disabledSchemes", "");
    System.exit(run(commandLine(args).setOut(StandardOutput.writer()), args));
  }

  static int run(CommandLine commandLine, String... args) {
    try {
      var config = ConfigFile.of(commandLine, args);
      if (config == null) {
        return commandLine.execute(args);
      }
      Main program = commandLine.getCommand();
      program.config = config;
      return commandLine.execute(config.expand());
    } catch (RuntimeException | Error e) { // of a file with options; errors picocli leaves alone
      return failed(e, commandLine);
    }
  }

  /** With all commands. */
  static CommandLine commandLine() {
    return commandLine(Commands.names());
  }

  /** With the command that these arguments begin with, and if that is none, with all. */
  static CommandLine commandLine(String[] args) {
    boolean known = args.length > 0 && Commands.names().contains(args[0]);
    return known && !args[0].equals(Commands.HELP) ? commandLine(List.of(args[0])) : commandLine();
  }

  private static CommandLine commandLine(List<String> commands) {
    var commandLine = new CommandLine(new Main());
    commands.forEach(name -> Commands.add(name, commandLine));
    commandLine.getHelpSectionMap().put(SECTION_KEY_COMMAND_LIST_HEADING, _ -> "");
    commandLine.getHelpSectionMap().put(SECTION_KEY_COMMAND_LIST, Commands::describe);
    return commandLine
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setExpandAtFiles(false)
        .setExecutionStrategy(Main::runLast)
        .setParameterExceptionHandler(Main::wrongUsage)
        .setExecutionExceptionHandler((e, command, _) -> failed(e, command));
  }

  /** Help, too, may find its output closed; picocli would print a stack trace then. */
  private static int runLast(CommandLine.ParseResult args) {
    try {
      return new CommandLine.RunLast().execute(args);
    } catch (StandardOutput.Failure e) {
      return failed(e, args.commandSpec().commandLine());
    }
  }

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "A command is missing");
  }

  private static int wrongUsage(ParameterException e, String[] args) {
    return wrongUsage(describe(e), e.getCommandLine());
  }

  private static String describe(ParameterException e) {
    if (e instanceof UnmatchedArgumentException unmatched) {
      return describe(unmatched);
    }
    var message = String.valueOf(e.getMessage());
    var unknown = UNKNOWN_COMMAND.matcher(message);
    if (unknown.matches()) { // of ggml4j help
      var command = List.of(unknown.group(1));
      return describe(new UnmatchedArgumentException(e.getCommandLine(), command));
    }
    var dash = VALUE_WITH_DASH.matcher(message);
    return dash.matches()
        ? "%1$s needs a value; one that begins with - is written as %1$s=%2$s"
            .formatted(dash.group(1), dash.group(2))
        : message;
  }

  private static String describe(UnmatchedArgumentException e) {
    var word = e.getUnmatched().getFirst();
    var kind =
        e.isUnknownOption()
            ? "option"
            : e.getCommandLine().getSubcommands().isEmpty() ? "argument" : "command";
    var alike = e.getSuggestions();
    return "there is no %s %s%s"
        .formatted(kind, word, alike.isEmpty() ? "" : "; perhaps " + String.join(" or ", alike));
  }

  private static int wrongUsage(String message, CommandLine command) {
    var name = command.getCommandSpec().qualifiedName();
    var config =
        command.getCommandSpec().root().userObject() instanceof Main program
            ? program.config
            : null;
    var explained = config == null ? message : config.explain(message);
    command.getErr().println(name + ": " + explained + " (see " + name + " --help)");
    return WRONG_USAGE;
  }

  private static int failed(Throwable e, CommandLine command) {
    if (e instanceof ParameterException wrong) {
      return wrongUsage(wrong, new String[0]);
    }
    if (e instanceof StandardOutput.Failure failure && failure.readerIsGone()) {
      return READER_GONE;
    }
    var message = OptionNames.translate(Failures.describe(e), command.getCommandSpec());
    int exitCode = FAILED;
    if (e instanceof IllegalArgumentException && OptionNames.areIn(message)) {
      exitCode = wrongUsage(message, command);
    } else {
      command.getErr().println("ggml4j: " + message);
    }
    if (System.getenv("GGML4J_STACKTRACE") != null) {
      e.printStackTrace(command.getErr());
    }
    return exitCode;
  }
}
