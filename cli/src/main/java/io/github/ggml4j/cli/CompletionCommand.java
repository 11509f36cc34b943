package io.github.ggml4j.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import picocli.AutoComplete;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
    name = "completion",
    description = "Prints a script that lets the shell complete commands and options.",
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "The script completes ggml4j with or without a path, such as ./ggml4j.",
      "",
      "Examples:",
      "  source <(ggml4j completion bash)",
      "  ggml4j completion bash > ~/.local/share/bash-completion/completions/ggml4j",
      "  ggml4j completion zsh >> ~/.zshrc"
    })
final class CompletionCommand implements Runnable {
  enum Shell {
    bash,
    zsh
  }

  @Spec private CommandSpec spec;

  @Parameters(
      arity = "1",
      paramLabel = "SHELL",
      description = "Which shell: ${COMPLETION-CANDIDATES}.")
  private Shell shell;

  @Override
  public void run() {
    // One script works in both shells: it enables zsh's support of bash completions.
    var out = spec.commandLine().getOut();
    var program = Main.commandLine();
    program
        .getSubcommands()
        .values()
        .forEach(command -> {
          prepare(command.getCommandSpec());
          command.getSubcommands().values().forEach(sub -> prepare(sub.getCommandSpec()));
        });
    out.println("# Completion of ggml4j for " + shell);
    out.print(AutoComplete.bash("ggml4j", program));
    out.flush();
  }

  /**
   * Gives every option with a list of values a unique label, because the script stores the values
   * by label. Converts the values to lower case, as in the help.
   */
  private static void prepare(CommandSpec command) {
    for (var option : List.copyOf(command.options())) {
      var values = option.completionCandidates();
      if (values != null) {
        var lowerCase = new ArrayList<String>();
        values.forEach(value -> lowerCase.add(value.toLowerCase(Locale.ROOT)));
        command.remove(option);
        command.addOption(
            OptionSpec.builder(option)
                .paramLabel(option.longestName().replaceAll("\\W+", "_"))
                .completionCandidates(lowerCase)
                .build());
      }
    }
  }
}
