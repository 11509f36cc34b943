package io.github.ggml4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ConfigFileTest {
  @TempDir private Path folder;

  private String write(String text) throws IOException {
    return Files.writeString(folder.resolve("options.yaml"), text).toString();
  }

  private List<String> expand(String text, String... more) throws IOException {
    var args = new String[more.length + 3];
    args[0] = "finetune";
    args[1] = "--config";
    args[2] = write(text);
    System.arraycopy(more, 0, args, 3, more.length);
    var expanded = Objects.requireNonNull(ConfigFile.of(Main.commandLine(), args)).expand();
    return List.of(expanded).subList(1, expanded.length - args.length + 1);
  }

  @Test
  void optionsComeAsTheyAreWritten() throws IOException {
    assertThat(
            expand(
                """
                # comment
                train: [a.txt, "b c.txt"]
                learning_rate: 3e-5
                warmup-steps: 007
                packing: yes
                no_shuffle: Off
                json: On
                resume: no
                where: {language: Python, license: "mit", kind: "null"}
                """))
        .containsExactly(
            "--train=a.txt",
            "--train=b c.txt",
            "--learning-rate=3e-5",
            "--warmup-steps=007",
            "--packing",
            "--json",
            "--where=language=Python",
            "--where=license=mit",
            "--where=kind=null");
  }

  @Test
  void jsonIsReadToo() throws IOException {
    assertThat(expand("{\"train\": [\"a\"], \"epochs\": 2, \"packing\": true}"))
        .containsExactly("--train=a", "--epochs=2", "--packing");
  }

  @Test
  void theCommandLineTakesPrecedence() throws IOException {
    assertThat(expand("epochs: 2\ntrain: [a, b]\nseed: 1", "--epochs", "3", "--train=c"))
        .containsExactly("--seed=1");
  }

  @Test
  void anEmptyFileHasNoOptions() throws IOException {
    assertThat(expand("")).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "lerning_rate: 3|has lerning_rate, which is not an option; did you mean learning-rate?",
        "zzz: 3|has zzz, which is not an option",
        "config: x|has config, which is not an option",
        "help: true|has help, which is not an option",
        "epochs: [1, 2]|has a list for epochs, expected one value",
        "epochs: {a: 1}|has names and values for epochs, expected a value",
        "train: {a: 1}|has names and values for train, expected a value",
        "where: {a: [1]}|has a list or a mapping in where, expected a value",
        "train: [[a]]|has a list or a mapping in the list of train",
        "packing: perhaps|has perhaps for packing, expected true or false",
        "dropout:|has no value for dropout; remove it to use the default",
        "dropout: null|has no value for dropout",
        "dropout: ~|has no value for dropout",
        "{\"dropout\": null}|has no value for dropout",
        "packing:|has no value for packing",
        "train: [a, null]|has no value for train",
        "where: {a: }|has no value for where",
        "{epochs: 1, seed: 2, epochs: 3}|has epochs again in line 1; name it once",
        "{batch_size: 1, batch-size: 3}|has batch_size and batch-size, which are the same option",
        "epochs: [|is neither YAML nor JSON: line 1",
        "just text|has no options, such as epochs: 3",
      })
  void mistakesAreNamed(String text, String message) throws IOException {
    var file = write(text);
    var outcome = Cli.run("finetune", "--config", file);

    assertThat(outcome.exitCode()).isEqualTo(2);
    assertThat(outcome.err())
        .startsWith("ggml4j finetune: --config " + file + " " + message)
        .hasLineCount(1);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "epochs: many|--epochs|many",
        "padding: none|--padding|none",
        "batch_size: 0|--batch-size|0",
        "learning_rate: -1|--learning-rate|-1",
        "epochz: 1|epochz|did you mean epochs?",
      })
  void badValuesNameFileAndOption(String line, String option, String value) throws IOException {
    var file = write("train: ../README.md\noutput: " + folder.resolve("out") + "\n" + line);
    var outcome = Cli.run("finetune", "--config=" + file);

    assertThat(outcome.exitCode()).isEqualTo(2);
    assertThat(outcome.err())
        .startsWith("ggml4j finetune: --config " + file)
        .contains(option, value)
        .hasLineCount(1);
  }

  @Test
  void badValuesOfTheCommandLineAreNotThoseOfTheFile() throws IOException {
    var file = write("train: a\noutput: b\nbatch_size: 2");
    var outcome = Cli.run("finetune", "--config", file, "--epochs", "many");

    assertThat(outcome.err()).contains("--epochs", "many").doesNotContain(file);
  }

  @Test
  void missingFileIsNamed() {
    var outcome = Cli.run("finetune", "--config", folder.resolve("none.yaml").toString());

    assertThat(outcome.exitCode()).isEqualTo(1);
    assertThat(outcome.err()).contains("no such file: ", "none.yaml").hasLineCount(1);
  }
}
