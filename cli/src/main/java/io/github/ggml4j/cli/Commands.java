package io.github.ggml4j.cli;

import static picocli.CommandLine.Model.UsageMessageSpec.SECTION_KEY_FOOTER;

import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.Help;
import picocli.CommandLine.Model.CommandSpec;

/** All commands in groups. The class of a command is loaded only if the command is used. */
final class Commands {
  static final String HELP = "help";

  /** Commands under one title in the help. */
  private record Group(String title, List<String> commands) {
    Group(String title, String... commands) {
      this(title, List.of(commands));
    }
  }

  private static final List<Group> GROUPS =
      List.of(
          new Group("Start here", "lab"),
          new Group("Generate and train", "generate", "finetune", "tokenizer"),
          new Group("Inspect models", "summary", "config", "tokenize", "perplexity", "bench"),
          new Group("Get, publish and convert models", "download", "upload", "convert", "imatrix"),
          new Group("About the program", "devices", "version", "completion", HELP));

  private static final int WIDTH = 80;
  private static final int NAME_COLUMN = 16;

  private static final int MANY_OPTIONS = 8;

  private Commands() {}

  private static Object of(String name) {
    return switch (name) {
      case "lab" -> new LabCommand();
      case "generate" -> new GenerateCommand();
      case "finetune" -> new FinetuneCommand();
      case "tokenizer" -> new TokenizerCommand();
      case "summary" -> new SummaryCommand();
      case "config" -> new ConfigCommand();
      case "tokenize" -> new TokenizeCommand();
      case "perplexity" -> new PerplexityCommand();
      case "bench" -> new BenchCommand();
      case "download" -> new DownloadCommand();
      case "upload" -> new UploadCommand();
      case "convert" -> new ConvertCommand();
      case "imatrix" -> new ImatrixCommand();
      case "devices" -> new DevicesCommand();
      case "version" -> new VersionCommand();
      case "completion" -> new CompletionCommand();
      case HELP -> new CommandLine.HelpCommand();
      default -> throw new IllegalArgumentException("There is no command " + name);
    };
  }

  /** In the order of the help. */
  static List<String> names() {
    return GROUPS.stream().flatMap(group -> group.commands.stream()).toList();
  }

  static void add(String name, CommandLine commandLine) {
    var command = new CommandLine(of(name));
    prepare(command);
    command.getSubcommands().values().forEach(Commands::prepare);
    if (command.getCommand() instanceof ConvertCommand) {
      command.getHelpSectionMap().put(SECTION_KEY_FOOTER, _ -> ConvertCommand.types());
    }
    if (name.equals(HELP)) {
      command
          .getCommandSpec()
          .usageMessage()
          .description("Shows the help of ggml4j or of one of its commands.")
          .footer("", "Examples:", "  ggml4j help", "  ggml4j help generate");
    }
    commandLine.addSubcommand(name, command);
    shortenSynopsis(command.getCommandSpec());
    command.getSubcommands().values().forEach(sub -> shortenSynopsis(sub.getCommandSpec()));
  }

  private static void prepare(CommandLine command) {
    command.getCommandSpec().versionProvider(new VersionCommand());
    command.getCommandSpec().usageMessage().sortOptions(false); // keep the order of declaration
  }

  /** Names only the required options if a command has many. */
  private static void shortenSynopsis(CommandSpec command) {
    if (command.options().size() <= MANY_OPTIONS) {
      return;
    }
    var words = new ArrayList<>(List.of(command.qualifiedName()));
    for (var option : command.options()) {
      if (option.required()) {
        words.add(option.longestName() + " " + option.paramLabel());
      }
    }
    words.add("[OPTIONS]");
    for (var parameter : command.positionalParameters()) {
      var label = parameter.paramLabel();
      words.add(parameter.required() ? label : "[" + label + "]");
    }
    command.usageMessage().customSynopsis(String.join(" ", words));
  }

  /** The list of commands in the help. */
  static String describe(CommandLine.Help help) {
    var text = new StringBuilder();
    for (var group : GROUPS) {
      text.append("%n%s:%n".formatted(group.title));
      var table =
          Help.TextTable.forColumns(
              help.colorScheme(),
              new Help.Column(NAME_COLUMN, 2, Help.Column.Overflow.SPAN),
              new Help.Column(WIDTH - NAME_COLUMN, 0, Help.Column.Overflow.WRAP));
      for (var name : group.commands) {
        var command = help.subcommands().get(name);
        if (command != null) {
          var description = command.commandSpec().usageMessage().description()[0];
          table.addRowValues(
              help.colorScheme().commandText(name), help.colorScheme().text(description));
        }
      }
      text.append(table);
    }
    return text.toString();
  }
}
