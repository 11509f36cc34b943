package io.github.ggml4j.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

@Command(
    name = "tokenizer",
    description = "Trains a tokenizer on your texts.",
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "COMMAND",
    subcommands = TokenizerTrainCommand.class,
    footer = {
      "",
      "Examples:",
      "  ggml4j tokenizer train --train book.txt --vocab-size 8000 --output tokens"
    })
final class TokenizerCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "A command is missing, such as train");
  }
}
