package io.github.ggml4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class GenerateTest {
  @TempDir private static Path folder;
  private static String model = "";

  @BeforeAll
  static void writeModel() {
    model = TinyModel.write(folder);
  }

  private static Cli.Outcome generate(String... options) {
    var args = new ArrayList<>(List.of("generate", "--model", model, "--threads", "1"));
    args.addAll(List.of(options));
    return Cli.run(args.toArray(String[]::new));
  }

  @Test
  void seedsRepeat() {
    var options = new String[] {"--prompt", "Once", "--num-return-sequences", "3", "--seed", "42"};
    var outcome = generate(options);

    assertThat(outcome.err()).isEmpty();
    assertThat(outcome.exitCode()).isZero();
    assertThat(outcome.out()).contains("[1] Once", "[2] Once", "[3] Once");
    assertThat(generate(options)).isEqualTo(outcome);
  }

  @Test
  void optionsDefaultToThoseOfTheModel() throws IOException {
    var own = folder.resolve("own").toString();
    assertThat(Cli.run("convert", "--model", model, "--output", own).exitCode()).isZero();
    Files.writeString(
        Path.of(own, "generation_config.json"),
        """
        {"do_sample": false, "max_new_tokens": 9, "repetition_penalty": 1.5, "eos_token_id": 256}
        """);
    var prompt = List.of("--prompt", "Once", "--threads", "1");
    var same = List.of("--greedy", "--max-new-tokens", "9", "--repetition-penalty", "1.5");
    var plain = List.of("--do-sample", "--seed", "3", "--repetition-penalty", "1");
    assertThat(run(own, prompt, List.of())).isEqualTo(run(model, prompt, same));
    assertThat(run(own, prompt, plain))
        .isEqualTo(run(model, prompt, List.of("--seed", "3", "--max-new-tokens", "9")));
  }

  private static Cli.Outcome run(String from, List<String> prompt, List<String> options) {
    var args = new ArrayList<>(List.of("generate", "--model", from));
    args.addAll(prompt);
    args.addAll(options);
    return Cli.run(args.toArray(String[]::new));
  }

  @Test
  void streamGivesTheSameText() {
    var options = List.of("--prompt", "Once", "--seed", "5", "--max-new-tokens", "12");
    var whole = generate(options.toArray(String[]::new));
    var streamed = new ArrayList<>(options);
    streamed.add("--stream");

    assertThat(generate(streamed.toArray(String[]::new))).isEqualTo(whole);
  }

  @Test
  void jsonContainsIdsAndFinishReasons() {
    var outcome = generate("--prompt", "Once", "--greedy", "--max-new-tokens", "5", "--json");

    var json = JsonMapper.shared().readTree(outcome.out());
    assertThat(json.get("prompt").asString()).isEqualTo("Once");
    assertThat(json.get("text").asString()).startsWith("Once");
    assertThat(json.get("ids").size()).isBetween(1, 5);
    assertThat(json.get("log_probs").size()).isEqualTo(json.get("ids").size());
    assertThat(json.get("finish_reason").asString()).isNotEmpty();
  }

  @Test
  void jsonHasALineForEachTextAndTheSeedToRepeatIt() {
    var options = List.of("--prompt", "Once", "--num-return-sequences", "3", "--json");
    var outcome = generate(options.toArray(String[]::new));

    assertThat(outcome.out()).hasLineCount(3);
    var seed = JsonMapper.shared().readTree(outcome.out().lines().findFirst().orElse(""));
    var again = new ArrayList<>(options);
    again.addAll(List.of("--seed", seed.get("seed").asString()));
    assertThat(generate(again.toArray(String[]::new))).isEqualTo(outcome);
  }

  @Test
  void everyOptionIsAccepted() {
    var outcome =
        generate(
            ("--prompt Once --num-beams 3 --do-sample --length-penalty 0.5 --early-stopping true"
                    + " --min-new-tokens 2 --max-new-tokens 4 --bad-words e --bad-words f"
                    + " --bad-words-ids 64,65 --eos-token-id 10,11 --forced-eos-token-id 256"
                    + " --stop zz --trim-stop --typical-p 0.9 --min-p 0.01 --seed 1")
                .split(" ", -1));

    assertThat(outcome.err()).isEmpty();
    assertThat(outcome.out()).startsWith("Once");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--guidance-scale 1.5 --negative-prompt Twice --top-h 0.9 --epsilon-cutoff 0.0001",
        "--guidance-scale 0.5 --negative-prompt-ids 70,71 --eta-cutoff 0.0001 --max-time 60",
        "--prompt-lookup-num-tokens 5 --max-matching-ngram-size 3 --renormalize-logits",
        "--num-beams 2 --sequence-bias 64,65=-2.5 --sequence-bias 70=1 --suppress-tokens 80,81",
        "--begin-suppress-tokens 82 --forced-bos-token-id 83 --remove-invalid-values",
        "--encoder-repetition-penalty 1.1 --encoder-no-repeat-ngram-size 3",
        "--exponential-decay-length-penalty 2,1.5 --eos-token-id 10",
      })
  void moreOptionsAreAccepted(String options) {
    var args = new ArrayList<>(List.of("--prompt", "Once", "--seed", "1", "--max-new-tokens", "4"));
    args.addAll(List.of(options.split(" ", -1)));
    var outcome = generate(args.toArray(String[]::new));

    assertThat(outcome.err()).isEmpty();
    assertThat(outcome.out()).startsWith("Once");
  }

  @Test
  void suppressedTokensAreMissing() {
    var greedy = new String[] {"--prompt", "Once", "--greedy", "--max-new-tokens", "6", "--json"};
    var ids = JsonMapper.shared().readTree(generate(greedy).out()).get("ids");
    var args = new ArrayList<>(List.of(greedy));
    args.addAll(List.of("--suppress-tokens", ids.get(0).asString()));
    var others = JsonMapper.shared().readTree(generate(args.toArray(String[]::new)).out());

    assertThat(others.get("ids").valueStream().map(JsonNode::asInt))
        .doesNotContain(ids.get(0).asInt());
  }

  @Test
  void thePromptCanBeLeftOut() {
    var whole = generate("--prompt", "Once", "--seed", "3").out();

    assertThat("Once" + generate("--prompt", "Once", "--seed", "3", "--no-return-full-text").out())
        .isEqualTo(whole);
  }

  @Test
  void promptsComeFromFiles() throws IOException {
    var file = Files.writeString(folder.resolve("prompt.txt"), "Größe\n").toString();

    assertThat(generate("--prompt-file", file, "--greedy").out())
        .isEqualTo(generate("--prompt", "Größe", "--greedy").out());
    var missing = generate("--prompt-file", "no/such/prompt");
    assertThat(missing.exitCode()).isEqualTo(1);
    assertThat(missing.err()).contains("no such file: no/such/prompt").hasLineCount(1);
  }

  @Test
  void streamedJsonIsALineForEachToken() {
    var outcome = generate("--prompt", "a", "--max-new-tokens", "3", "--stream", "--json");

    assertThat(outcome.out().lines())
        .isNotEmpty()
        .allSatisfy(line -> assertThat(JsonMapper.shared().readTree(line).has("id")).isTrue());
  }

  @Test
  void longPromptsAreContinuedToo() {
    assertThat(generate("--prompt", "x".repeat(TinyModel.POSITIONS - 2)).exitCode()).isZero();
  }

  @Test
  void beamsAndPenalties() {
    var outcome =
        generate(
            "--prompt",
            "Once",
            "--num-beams",
            "3",
            "--num-return-sequences",
            "2",
            "--no-repeat-ngram-size",
            "2",
            "--repetition-penalty",
            "1.2",
            "--bad-word",
            "e",
            "--stop",
            "zz",
            "--max-length",
            "12");

    assertThat(outcome.err()).isEmpty();
    assertThat(outcome.out()).contains("[2] Once");
  }

  @Test
  void promptsComeFromStandardInput() {
    var in = System.in;
    System.setIn(new ByteArrayInputStream("Größe\n".getBytes(StandardCharsets.UTF_8)));
    try {
      assertThat(generate("--prompt", "-", "--max-new-tokens", "1").out()).startsWith("Größe");
    } finally {
      System.setIn(in);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--prompt|",
        "--prompt|a|--max-length|0",
        "--prompt|a|--temperature|-1",
        "--prompt|a|--top-p|2",
        "--prompt|a|--max-length|5000",
        "--prompt|a|--stop-strings|",
        "--prompt|a|--min-p|-1",
        "--prompt|a|--num-beams|0",
        "--prompt|a|--bad-words-ids|-1",
        "--prompt|a|--eos-token-id|-2",
        "--prompt|a|--guidance-scale|NaN",
        "--prompt|a|--top-h|0",
        "--prompt|a|--suppress-tokens|-1",
        "--prompt|a|--temperature|0",
        "--prompt|a|--device|abacus",
      })
  void badValuesNameTheirOption(String options) {
    var words = options.split("\\|", -1);
    var outcome = generate(words);

    assertThat(outcome.exitCode()).isEqualTo(2);
    assertThat(outcome.out()).isEmpty();
    assertThat(outcome.err())
        .startsWith("ggml4j generate: " + words[words.length - 2] + " ")
        .hasLineCount(1);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--greedy",
        "--prompt|a|--stream|--num-return-sequences|2",
        "--prompt|a|--top-k|many",
        "--prompt|a|--prompt-file|b",
        "--prompt|a|--greedy|--do-sample",
        "--prompt|a|--early-stopping|soon",
        "--prompt|a|--bad-words-ids|1,x",
        "--prompt|a|--sequence-bias|1,2",
        "--prompt|a|--exponential-decay-length-penalty|4",
        "--prompt|a|--greedy|--num-return-sequences|2",
      })
  void wrongUsage(String options) {
    var outcome = generate(options.split("\\|", -1));

    assertThat(outcome.exitCode()).isEqualTo(2);
    assertThat(outcome.err()).contains("--help").hasLineCount(1);
  }

  @Test
  void missingModelIsNamed() {
    var outcome = Cli.run("generate", "--model", "no/such/model", "--prompt", "a");

    assertThat(outcome.exitCode()).isEqualTo(1);
    assertThat(outcome.err()).startsWith("ggml4j: no/such/model: ").hasLineCount(1);
  }
}
