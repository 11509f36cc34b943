package io.github.ggml4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Runs the scripts in their shells, if these are installed. */
class CompletionTest {
  @TempDir private static Path folder;

  private static Path script(String shell) throws IOException {
    return Files.writeString(folder.resolve(shell), Cli.run("completion", shell).out());
  }

  private static String run(String shell, String... arguments) throws Exception {
    var found =
        Stream.of(System.getenv().getOrDefault("PATH", "").split(":", -1))
            .anyMatch(place -> Files.isExecutable(Path.of(place, shell)));
    assumeTrue(found, shell + " is not installed");
    var process =
        new ProcessBuilder(Stream.concat(Stream.of(shell), Stream.of(arguments)).toList()).start();
    var out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(out).isZero();
    return out;
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "gen|generate",
        "generate --te|--temperature",
        "finetune --schedule co|cosine,cosine_with_restarts,cosine_with_min_lr,constant,"
            + "constant_with_warmup",
        "finetune --optimizer ''|adamw,sgd,adafactor,lion,muon",
        "generate --early-stopping ''|false,true,never",
        "convert --type q4_k|q4_k_m,q4_k_s",
        "completion ''|bash,zsh",
      })
  void bash(String line, String completions) throws Exception {
    var complete =
        "source \"$0\"; complete -p ggml4j >/dev/null || exit 1; compopt() { :; };"
            + " eval \"COMP_WORDS=(ggml4j $1)\"; COMP_CWORD=$((${#COMP_WORDS[@]} - 1));"
            + " _complete_ggml4j; printf '%s\\n' \"${COMPREPLY[@]}\"";
    var out = run("bash", "--norc", "-c", complete, script("bash").toString(), line);
    assertThat(out.strip().lines().toList())
        .containsExactlyInAnyOrderElementsOf(List.of(completions.split(",", -1)));
  }

  @Test
  void zsh() throws Exception {
    var load =
        "autoload -Uz compinit && compinit -u -D && source \"$0\" && print -r -- $_comps[ggml4j]";
    assertThat(run("zsh", "-f", "-c", load, script("zsh").toString())).contains("_complete_ggml4j");
  }
}
