package io.github.ggml4j.cli;

import picocli.AutoComplete;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
    name = "completion",
    description = "Prints a script with which the shell completes commands and options.",
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "The name of the program in the script is ggml4j; a path such as ./ggml4j works too.",
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
    // One script for both: under zsh it turns on zsh's own support of completions for bash
    var out = spec.commandLine().getOut();
    out.println("# Completion of ggml4j for " + shell);
    out.print(AutoComplete.bash("ggml4j", Main.commandLine()));
    out.flush();
  }
}
