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

/** Runs a command and prints a failure as one line. */
@Command(
    name = "ggml4j",
    description = "GPT-2 for Java over ggml: generate, fine-tune, and inspect models.",
    mixinStandardHelpOptions = true,
    versionProvider = VersionCommand.class,
    synopsisSubcommandLabel = "COMMAND",
    footer = {
      "",
      "A model is a Hugging Face folder, a .gguf file, a name on the Hugging Face Hub such as gpt2"
          + " or org/name, or bundled: the small model that comes with ggml4j.",
      "Exit codes: 0 success, 1 failure, 2 wrong usage, 130 interrupted. Each command has --help,"
          + " with examples.",
      "",
      "Examples:",
      "  ggml4j lab",
      "  ggml4j generate --prompt 'Once upon a time'",
      "  ggml4j help finetune"
    })
public final class Main implements Runnable {
  private static final String LOG_FORMAT = "java.util.logging.SimpleFormatter.format";

  static final int FAILED = 1;
  static final int WRONG_USAGE = 2;
  static final int INTERRUPTED = 130;

  /** Exit code of a program that SIGPIPE ends: 128 + 13. */
  static final int READER_GONE = 141;

  /** Messages of picocli that are replaced by clearer ones. */
  private static final Pattern UNKNOWN_COMMAND = Pattern.compile("Unknown subcommand '(.*)'\\.");

  private static final Pattern VALUE_WITH_DASH =
      Pattern.compile("Expected parameter for option '(.*)' but found '(-.*)'");

  @CommandLine.Spec private CommandLine.Model.CommandSpec spec;

  /** The file of {@code --config}; null if not given. */
  private @Nullable ConfigFile config;

  /** Called by the launcher. */
  public static void main(String[] args) {
    // Allow Basic authentication with a proxy for HTTPS.
    System.setProperty("jdk.http.auth.tunneling.disabledSchemes", "");
    // Log in one line.
    if (System.getProperty(LOG_FORMAT) == null) {
      System.setProperty(LOG_FORMAT, "ggml4j: %4$s: %5$s%6$s%n");
    }
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
    } catch (RuntimeException | Error e) {
      // An exception from reading the --config file, or an Error, which picocli does not catch.
      return failed(e, commandLine);
    }
  }

  /** The command line with all commands. */
  static CommandLine commandLine() {
    return commandLine(Commands.names());
  }

  /**
   * The command line with the command of the first argument; with all commands if it names none.
   */
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

  /** Handles failures while printing the help; picocli would print a stack trace. */
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
    if (unknown.matches()) { // as in ggml4j help COMMAND
      var command = List.of(unknown.group(1));
      return describe(new UnmatchedArgumentException(e.getCommandLine(), command));
    }
    var dash = VALUE_WITH_DASH.matcher(message);
    return dash.matches()
        ? "%1$s needs a value; write one that begins with - as %1$s=%2$s"
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
        .formatted(
            kind,
            word,
            alike.isEmpty() ? "" : "; did you mean " + String.join(" or ", alike) + "?");
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
    int exitCode = FAILED;
    var spec = command.getCommandSpec();
    var message = Failures.describe(e, spec);
    if (Failures.isWrongUsage(e, spec)) {
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
