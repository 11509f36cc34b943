package io.github.ggml4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.ggml4j.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TokenizerTrainTest {
  @TempDir private Path folder;

  private String output() {
    return folder.resolve("tokenizer").toString();
  }

  @Test
  void trainsOnColumnsOfTables() throws IOException {
    var data = folder.resolve("data.csv");
    Files.writeString(data, "id,body\n1,the cat the cat\n2,the hat\n");

    var outcome =
        Cli.run(
            "tokenizer",
            "train",
            "--train",
            data.toString(),
            "--text-column",
            "body",
            "--vocab-size",
            "260",
            "--min-frequency",
            "2",
            "--output",
            output());

    assertThat(outcome.err()).isEmpty();
    assertThat(outcome.out())
        .isEqualTo("Trained 260 tokens with 3 merges\nSaved to " + output() + "\n");
    var tokenizer = Tokenizer.load(Path.of(output()));
    assertThat(tokenizer.merges()).containsExactly("a t", "h e", "t he");
    assertThat(tokenizer.eosTokenId()).isZero();
  }

  @Test
  void specialTokensAreChosen() throws IOException {
    var data = folder.resolve("data.txt");
    Files.writeString(data, "a");

    var outcome =
        Cli.run(
            "tokenizer",
            "train",
            "--train",
            data.toString(),
            "--special-tokens",
            "<pad>",
            "<|endoftext|>",
            "--output",
            output());

    assertThat(outcome.err())
        .isEqualTo("ggml4j: warning: no pair of tokens was merged; each byte is a token\n");
    var tokenizer = Tokenizer.load(Path.of(output()));
    assertThat(tokenizer.eosTokenId()).isEqualTo(1);
    assertThat(tokenizer.vocabSize()).isEqualTo(258);
  }

  @Test
  void wrongUsageIsExplained() throws IOException {
    var data = folder.resolve("data.txt");
    Files.writeString(data, "a");

    assertThat(Cli.run("tokenizer").err())
        .startsWith("ggml4j tokenizer: A command is missing, such as train");
    assertThat(
            Cli.run(
                    "tokenizer",
                    "train",
                    "--train",
                    data.toString(),
                    "--vocab-size",
                    "0",
                    "--output",
                    output())
                .err())
        .startsWith("ggml4j tokenizer train: --vocab-size is 0, expected 1 to 2097152");
  }
}
