package io.github.ggml4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.ggml4j.error.InvalidArgumentException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine.Model.CommandSpec;

class OptionNamesTest {
  private static CommandSpec command(String name) {
    return Main.commandLine().parseArgs(name, "--help").subcommand().commandSpec();
  }

  @ParameterizedTest
  @CsvSource({
    "generate,topP,--top-p",
    "generate,stopStrings,--stop-strings",
    "generate,eosTokenIds,--eos-token-id",
    "generate,forcedEosTokenIds,--forced-eos-token-id",
    "generate,numReturnSequences,--num-return-sequences",
    "finetune,device,--device",
    "finetune,batchSize,--batch-size",
    "finetune,saveTo,--output",
    "finetune,checkpoints,--output",
    "finetune,resume,--resume",
    "finetune,textColumn,--text-column",
    "perplexity,maxWindows,--windows",
  })
  void parametersBecomeOptions(String command, String parameter, String option) {
    var names = new OptionNames(command(command));

    assertThat(names.has(parameter)).isTrue();
    assertThat(names.option(parameter)).isEqualTo(option);
  }

  @Test
  void parametersWithoutAnOptionStay() {
    var names = new OptionNames(command("config"));

    assertThat(names.has("batchSize")).isFalse();
    assertThat(names.option("batchSize")).isEqualTo("batchSize");
  }

  @Test
  void messagesNameOptions() {
    var failure =
        new InvalidArgumentException("minLength", 9, "at most {maxLength}", "Set {maxNewTokens}");

    assertThat(Failures.describe(failure, command("generate")))
        .isEqualTo("--min-length is 9, expected at most --max-length. Set --max-new-tokens");
    assertThat(Failures.describe(failure, command("config")))
        .isEqualTo("minLength is 9, expected at most maxLength. Set maxNewTokens");
  }
}
