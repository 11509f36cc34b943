package io.github.ggml4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class OptionNamesTest {
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "generate|topP is 2.0, expected 0 to 1|--top-p is 2.0, expected 0 to 1",
        "generate|minLength is 9 and maxLength 5|--min-length is 9 and --max-length 5",
        "generate|stopStrings has an empty text|--stop has an empty text",
        "generate|For greedy search use doSample(false).|For greedy search use --greedy.",
        "finetune|Device is \"abacus\"|--device is \"abacus\"",
        "finetune|batchSize must be >= 1|--batch-size must be >= 1",
        "finetune|saveTo is /x, but|--output is /x, but",
        "finetune|the loss is NaN; use clipNorm 1|the loss is NaN; use --clip-norm 1",
        "finetune|Name the column with text(...): a, b|Name the column with --text-column: a, b",
        "finetune|name one with config(...): a, b|name one with --dataset-config: a, b",
        "finetune|the model is damaged|the model is damaged",
        "config|batchSize must be >= 1|batchSize must be >= 1",
      })
  void parametersBecomeOptions(String command, String message, String translated) {
    var parsed = Main.commandLine().parseArgs(command, "--help").subcommand();

    assertThat(OptionNames.translate(message, parsed.commandSpec())).isEqualTo(translated);
  }
}
