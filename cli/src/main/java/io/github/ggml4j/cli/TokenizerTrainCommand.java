package io.github.ggml4j.cli;

import io.github.ggml4j.tokenizer.BpeTrainer;
import io.github.ggml4j.tokenizer.Tokenizer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

@Command(
    name = "train",
    description = "Trains a byte-level BPE tokenizer like GPT-2's and writes its files.",
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "Tokens, ids and merges are those of Hugging Face's BpeTrainer with the ByteLevel"
          + " pre-tokenizer. Memory is needed for the different words, not for the texts.",
      "",
      "Examples:",
      "  ggml4j tokenizer train --train book.txt --vocab-size 8000 --output tokens",
      "  ggml4j tokenizer train --train data.jsonl --text-column body \\",
      "    --min-frequency 2 --output tokens"
    })
final class TokenizerTrainCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Mixin private TrainingData data;

  @Option(
      names = {"--output", "-o"},
      required = true,
      paramLabel = "DIR",
      description = "The folder for tokenizer.json, vocab.json, merges.txt and their options.")
  private Path output;

  @Option(
      names = "--vocab-size",
      defaultValue = "30000",
      paramLabel = "N",
      description = {
        "The number of tokens, the 256 bytes and the special tokens included. It is smaller if no"
            + " more pairs of tokens can be merged.",
        "Default: ${DEFAULT-VALUE}."
      })
  private int vocabSize;

  @Option(
      names = "--min-frequency",
      defaultValue = "0",
      paramLabel = "N",
      description = {
        "Merge only pairs of tokens that occur at least this many times.",
        "Default: ${DEFAULT-VALUE}."
      })
  private long minFrequency;

  @Option(
      names = "--special-tokens",
      arity = "1..*",
      defaultValue = "<|endoftext|>",
      paramLabel = "TOKEN",
      description = {
        "Tokens that are matched as a whole. They get the first ids.",
        "Default: ${DEFAULT-VALUE}, which ends a text."
      })
  private List<String> specialTokens;

  @Mixin private HubOptions hub;

  @Override
  @SuppressWarnings("StreamToIterable") // Tokenizer.train reads the texts once
  public Integer call() {
    if (Files.exists(output) && !Files.isDirectory(output)) {
      throw new ParameterException(
          spec.commandLine(), "--output is " + output + ", which is a file; expected a folder");
    }
    var trainer =
        BpeTrainer.vocabSize(vocabSize)
            .minFrequency(minFrequency)
            .specialTokens(specialTokens.toArray(String[]::new));
    Tokenizer tokenizer;
    try (var documents = data.open(hub::hub).documents()) {
      tokenizer = Tokenizer.train(documents::iterator, trainer);
    }
    if (tokenizer.merges().isEmpty()) {
      spec.commandLine()
          .getErr()
          .println("ggml4j: warning: no pair of tokens was merged; each byte is a token");
    }
    tokenizer.save(output);
    spec.commandLine()
        .getOut()
        .printf(
            "Trained %,d tokens with %,d merges%nSaved to %s%n",
            tokenizer.vocabSize(), tokenizer.merges().size(), output);
    return ExitCode.OK;
  }
}
