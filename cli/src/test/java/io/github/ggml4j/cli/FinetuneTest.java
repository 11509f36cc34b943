package io.github.ggml4j.cli;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import io.github.ggml4j.trainer.EndReason;
import io.github.ggml4j.trainer.Trainer;
import io.github.ggml4j.trainer.TrainingResult;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.json.JsonMapper;

class FinetuneTest {
  @TempDir private static Path models;
  private static String model = "";

  @TempDir private Path folder;
  private Path text = Path.of("");

  @BeforeAll
  static void writeModel() {
    model = TinyModel.write(models);
  }

  @BeforeEach
  void writeText() throws IOException {
    text = Files.writeString(folder.resolve("text.txt"), "a b c d e f g h ".repeat(40));
  }

  private static Cli.Outcome finetune(String options, Object... values) {
    return Cli.line(
        "finetune --model {} --threads 1 " + options,
        Stream.concat(Stream.of(model), Stream.of(values)).toArray());
  }

  @Test
  void trainsSavesAndGenerates() throws IOException {
    var output = folder.resolve("out");
    var outcome =
        finetune(
            "--train {} --output {} --epochs 3 --batch-size 2 --max-sequence-length 32 --packing"
                + " --learning-rate 1e-2 --warmup-steps 2 --dropout 0 --schedule cosine",
            text,
            output);

    assertThat(outcome.exitCode()).as(outcome.err()).isZero();
    assertThat(outcome.out()).contains("steps").contains(output.toString());
    var metrics = Files.readAllLines(output.resolve("metrics.jsonl"));
    var first = JsonMapper.shared().readTree(metrics.getFirst());
    var last = JsonMapper.shared().readTree(metrics.getLast());
    assertThat(last.get("loss").asDouble()).isLessThan(first.get("loss").asDouble());
    for (var name : new String[] {"step", "epoch", "learning_rate", "grad_norm"}) {
      assertThat(last.has(name)).as(name).isTrue();
    }
    var generated = Cli.line("generate --model {} --prompt a --max-new-tokens 2", output);
    assertThat(generated.exitCode()).as(generated.err()).isZero();
  }

  @Test
  void resumesAfterAnInterrupt() throws IOException {
    var output = folder.resolve("out");
    var metrics = output.resolve("metrics.jsonl");
    var options =
        "--train {} --output {} --packing --max-sequence-length 16 --batch-size 2 --resume"
            + " --schedule constant --warmup-steps 0 --epochs 10000 --max-steps ";
    var caller = Thread.currentThread();
    Thread.startVirtualThread(() -> {
      while (lines(metrics) < 3) {
        Thread.onSpinWait();
      }
      caller.interrupt();
    });
    var interrupted = finetune(options + "1000000", text, output);
    assertThat(Thread.interrupted()).isTrue();
    assertThat(interrupted.exitCode()).as(interrupted.err()).isEqualTo(Main.INTERRUPTED);
    int done = lines(metrics);
    assertThat(output.resolve("checkpoint-" + done)).isDirectory();
    assertThat(interrupted.err())
        .contains("Run the same command with --resume to go on after step " + done + ".");
    var plain = finetune(options.replace("--resume", "") + (done + 2), text, output);
    assertThat(plain.exitCode()).isEqualTo(2);
    assertThat(plain.err())
        .contains("--output is " + output, "It has one of step " + done, "Set --resume")
        .hasLineCount(1);
    assertThat(lines(metrics)).isEqualTo(done);
    var other = finetune(options + (done + 2) + " --learning-rate 1 --seed 7", text, output);
    assertThat(other.exitCode()).isEqualTo(2);
    assertThat(other.err())
        .contains("--seed is 7, expected 42 as in the interrupted training (" + output)
        .contains("Also, --learning-rate was 5.0E-5 and is now 1.0. Use the earlier values, or")
        .hasLineCount(1);
    var rest = finetune(options + (done + 2), text, output);
    assertThat(rest.exitCode()).as(rest.err()).isZero();
    var steps =
        Files.readAllLines(metrics).stream()
            .map(line -> JsonMapper.shared().readTree(line).get("step").asInt())
            .toList();
    assertThat(steps).isEqualTo(IntStream.rangeClosed(1, done + 2).boxed().toList());
  }

  @Test
  void aTrainingWithoutAStepHasNoLoss() {
    double none = Double.NaN;
    var result =
        new TrainingResult(
            0,
            0,
            none,
            none,
            none,
            0,
            Duration.ZERO,
            EndReason.CANCELLED,
            OptionalLong.empty(),
            OptionalDouble.empty(),
            List.of(),
            List.of(),
            Optional.empty(),
            Optional.empty());
    var json = JsonMapper.shared().readTree(FinetuneCommand.json(result));

    for (var name : List.of("first_loss", "last_loss", "mean_loss", "saved_to", "checkpoint")) {
      assertThat(json.get(name).isNull()).as(name).isTrue();
    }
    assertThat(FinetuneCommand.hint(result))
        .isEqualTo("Run the same command again to start the training.");
  }

  @Test
  void anotherNumberOfEpochsIsNamed() {
    var output = folder.resolve("out");
    var options = "--train {} --output {} --packing --max-sequence-length 16 --resume --epochs ";
    var caller = Thread.currentThread();
    Thread.startVirtualThread(() -> {
      while (lines(output.resolve("metrics.jsonl")) < 3) {
        Thread.onSpinWait();
      }
      caller.interrupt();
    });
    var interrupted = finetune(options + "100000", text, output);
    assertThat(Thread.interrupted()).isTrue();
    assertThat(interrupted.exitCode()).as(interrupted.err()).isEqualTo(Main.INTERRUPTED);
    assertThat(interrupted.out()).doesNotContain("Saved to"); // the progress says so
    var other = finetune(options + "7", text, output);
    assertThat(other.exitCode()).isEqualTo(2);
    assertThat(other.err())
        .startsWith("ggml4j finetune: --epochs is 7, expected 100000 as in the interrupted")
        .hasLineCount(1);
  }

  private static int lines(Path file) {
    try {
      return Files.exists(file) ? Files.readAllLines(file).size() : 0;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void evaluatesAndKeepsTheBestModel() throws IOException {
    var output = folder.resolve("out");
    var other = Files.writeString(folder.resolve("eval.txt"), "a b c d e f g h ".repeat(9));
    var outcome =
        finetune(
            "--train {} --eval {} --output {} --packing --max-sequence-length 16 --max-steps 4"
                + " --eval-steps 2 --sample-prompt a --save-best --save-total-limit 1 --json",
            text,
            other,
            output);

    assertThat(outcome.exitCode()).as(outcome.err()).isZero();
    var result = JsonMapper.shared().readTree(outcome.out());
    assertThat(result.get("end_reason").asString()).isEqualTo("max_steps");
    long best = result.get("best_step").asLong();
    assertThat(output.resolve("checkpoint-" + best)).isDirectory();
    assertThat(Files.readAllLines(output.resolve("metrics.jsonl")))
        .hasSize(6)
        .filteredOn(line -> line.contains("eval_perplexity"))
        .hasSize(2);
  }

  @Test
  void jsonLinesAndMaxSteps() throws IOException {
    var lines = folder.resolve("data.jsonl");
    Files.writeString(lines, "{\"code\": \"one two three\"}\n".repeat(20));
    var output = folder.resolve("out");
    var outcome =
        finetune(
            "--train {} {} --text-field code --output {} --max-steps 2 --optimizer sgd --no-shuffle"
                + " --padding learned --gradient-accumulation-steps 2 --schedule constant --json",
            lines,
            text,
            output);

    assertThat(outcome.exitCode()).as(outcome.err()).isZero();
    var result = JsonMapper.shared().readTree(outcome.out());
    assertThat(result.get("steps").asInt()).isEqualTo(2);
    assertThat(result.get("saved_to").asString()).isEqualTo(output.toString());
    assertThat(output.resolve("metrics.jsonl")).content().hasLineCount(2);
  }

  @Test
  void arraysOfJsonAreTables() throws IOException {
    var table = folder.resolve("data.json");
    Files.writeString(table, "[{\"text\": \"one two three\"}, {\"text\": \"four five six\"}]");
    var output = folder.resolve("out");
    var outcome = finetune("--train {} --output {} --batch-size 1 --epochs 1", table, output);

    assertThat(outcome.exitCode()).as(outcome.err()).isZero();
    assertThat(output.resolve("metrics.jsonl")).content().hasLineCount(2);
  }

  @Test
  void rowsOfTablesAreChosen() throws IOException {
    var table = folder.resolve("data.csv");
    Files.writeString(
        table, "code,language\n" + "one two three,Python\nfour five six,Java\n".repeat(20));
    var output = folder.resolve("out");
    var outcome =
        finetune(
            "--train {} --text-column code --where language=Python --max-train-samples 6"
                + " --batch-size 2 --epochs 1 --output {}",
            table,
            output);

    assertThat(outcome.exitCode()).as(outcome.err()).isZero();
    assertThat(output.resolve("metrics.jsonl")).content().hasLineCount(3);
  }

  @Test
  void csvMayHaveAnotherDialectAndBrokenRecords() throws IOException {
    var table = folder.resolve("data.csv");
    Files.writeString(
        table, "id;text\n" + "1;'one; two three'\n".repeat(4) + "2;a;b\n3;'never closed\n");
    var output = folder.resolve("out");
    var options =
        "--train {} --csv-delimiter ; --csv-quote ' --batch-size 2 --epochs 1 --output {}";
    var outcome = finetune(options + " --skip-bad-records", table, output);

    assertThat(outcome.exitCode()).as(outcome.err()).isZero();
    assertThat(output.resolve("metrics.jsonl")).content().hasLineCount(2);
    var refused = finetune(options, table, folder.resolve("other"));
    assertThat(refused.exitCode()).isEqualTo(1);
    assertThat(refused.err()).contains("data.csv, line 6: the record has 3 fields, expected 2");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "text\\n\"x|set another quote character (--csv-quote), turn quoting off (--csv-quote), or skip"
            + " broken records (--skip-bad-records).",
        "text,n\\n1,2,3|set another delimiter (--csv-delimiter), or skip",
        "text\\nlonger than ten|or raise --max-document-bytes",
        "'' | is empty, expected a header",
      })
  void errorsOfDataNameOptions(String content, String message) throws IOException {
    var table = folder.resolve("data.csv");
    Files.writeString(table, content.replace("\\n", "\n"));
    var outcome =
        finetune("--train {} --max-document-bytes 12 --output {}", table, folder.resolve("out"));

    assertThat(outcome.exitCode()).isEqualTo(1);
    assertThat(outcome.err()).contains(message).hasLineCount(1);
  }

  @Test
  void malformedTextIsReplacedOnRequest() throws IOException {
    Files.write(text, "caf\u00e9 and more text".getBytes(ISO_8859_1));
    var refused = finetune("--train {} --output {}", text, folder.resolve("out"));
    assertThat(refused.exitCode()).isEqualTo(1);
    assertThat(refused.err())
        .contains("text.txt is not UTF-8", "replace such bytes (--replace-malformed).");
    var outcome =
        finetune("--train {} --replace-malformed --output {}", text, folder.resolve("out"));
    assertThat(outcome.exitCode()).as(outcome.err()).isZero();
  }

  @Test
  void optionsOfCsvFilesLeaveOtherFilesAlone() throws IOException {
    var table = folder.resolve("data.csv");
    Files.writeString(table, "id;text\n" + "1;'one; two three'\n".repeat(4) + "2;a;b\n");
    var output = folder.resolve("out");
    var options = " --csv-delimiter ; --csv-quote ' --skip-bad-records --epochs 1 --output {}";
    var outcome = finetune("--train {} {} --batch-size 1" + options, table, text, output);

    assertThat(outcome.exitCode()).as(outcome.err()).isZero();
    assertThat(output.resolve("metrics.jsonl")).content().hasLineCount(5);
  }

  @ParameterizedTest
  @ValueSource(strings = {"--csv-delimiter ;", "--csv-quote '", "--skip-bad-records"})
  void optionsOfCsvFilesNeedOne(String option) {
    var outcome = finetune("--train {} " + option + " --output {}", text, folder.resolve("out"));

    assertThat(outcome.exitCode()).isEqualTo(2);
    assertThat(outcome.err())
        .contains(option.split(" ", -1)[0], "for CSV", "--train names none")
        .hasLineCount(1);
  }

  @Test
  void optionsForTablesAreRefusedForText() {
    for (var option : List.of("--where language=Python", "--text-column code")) {
      var outcome = finetune("--train {} " + option + " --output {}", text, folder.resolve("out"));
      assertThat(outcome.exitCode()).isEqualTo(2);
      assertThat(outcome.err()).contains("in --train");
    }
  }

  @ParameterizedTest
  @CsvSource({
    "--where,language,COLUMN=VALUE",
    "--split,test,hf://datasets/ORG/NAME",
    "--max-train-samples,0,at least 1",
    "--csv-quote,ab,expected one character",
    "--glob,*.py,a folder or .zip archive"
  })
  void wrongChoicesOfRowsAreWrongUsage(String option, String value, String message)
      throws IOException {
    var table = Files.writeString(folder.resolve("data.csv"), "text\na\n");
    var outcome =
        finetune("--train {} {} {} --output {}", table, option, value, folder.resolve("out"));

    assertThat(outcome.exitCode()).isEqualTo(2);
    assertThat(outcome.err()).contains(message);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--schedule constant --warmup-steps 2 | constant_with_warmup",
        "--schedule sine | --schedule is sine",
        "--warmup-steps 2.5 | --warmup-steps is 2.5, expected an integer, or a ratio below 1",
        "--warmup-steps -1 | --warmup-steps is -1",
        "--warmup-ratio 2 | --warmup-ratio is 2.0",
        "--warmup-ratio 0.1 --warmup-steps 2 | expected only one of them",
        "--schedule cosine --schedule-arguments power=2 | --schedule-arguments is power",
        "--schedule cosine --schedule-arguments power | expected NAME=VALUE",
        "--schedule polynomial --schedule-arguments lr_end=1 | --learning-rate",
      })
  void schedulesThatDoNotFitAreRefused(String options, String message) {
    var outcome = finetune("--train {} --output {} " + options, text, folder.resolve("out"));
    assertThat(outcome.exitCode()).isEqualTo(2);
    assertThat(outcome.err()).contains(message).hasLineCount(1);
  }

  @Test
  void aScheduleHasArgumentsAndARatioOfWarmup() throws IOException {
    var output = folder.resolve("out");
    var options =
        "--train {} --output {} --packing --max-sequence-length 16 --batch-size 2 --max-steps 10"
            + " --learning-rate 1e-3 --schedule cosine_with_min_lr --warmup-steps 0.2"
            + " --schedule-arguments min_lr=1e-4";
    var outcome = finetune(options, text, output);
    assertThat(outcome.exitCode()).as(outcome.err()).isZero();
    var rates =
        Files.readAllLines(output.resolve("metrics.jsonl")).stream()
            .map(line -> JsonMapper.shared().readTree(line).get("learning_rate").asDouble())
            .toList();
    assertThat(rates.subList(0, 3)).containsExactly(0.0, 5e-4, 1e-3);
    assertThat(rates.get(6)).isCloseTo(5.5e-4, Offset.offset(1e-9));
    assertThat(rates.getLast()).isBetween(1e-4, 1.5e-4);
  }

  @Test
  void theDefaultsAreThoseOfTheTrainer() {
    var finetune = Main.commandLine().parseArgs("finetune", "--help").subcommand().commandSpec();

    assertThat(Double.parseDouble(finetune.findOption("--learning-rate").defaultValue()))
        .isEqualTo(Trainer.DEFAULT_LEARNING_RATE);
    assertThat(Double.parseDouble(finetune.findOption("--clip-norm").defaultValue()))
        .isEqualTo(Trainer.DEFAULT_CLIP_NORM);
    assertThat(finetune.findOption("--warmup-steps").defaultValue()).isEqualTo("0");
  }

  @Test
  void theDefaultLengthFitsASmallModel() {
    var small = TinyModel.write(folder, 40);
    var command = "finetune --model {} --train {} --output {} --max-steps 1 --packing";
    var outcome = Cli.line(command, small, text, folder.resolve("out"));

    assertThat(outcome.exitCode()).as(outcome.err()).isZero();
    var tooLong = Cli.line(command + " --max-sequence-length 41", small, text, folder.resolve("b"));
    assertThat(tooLong.exitCode()).isEqualTo(2);
    assertThat(tooLong.err())
        .contains("--max-sequence-length is 41, expected at most the model's n_positions = 40");
  }

  @Test
  void missingDataIsNamed() {
    var outcome = finetune("--train no/such/data --output {}", folder.resolve("out"));

    assertThat(outcome.exitCode()).isEqualTo(1);
    assertThat(outcome.err()).contains("no/such/data").hasLineCount(1);
    assertThat(folder.resolve("out")).doesNotExist();
  }

  @Test
  void outputMustBeAFolder() {
    var outcome = finetune("--train {} --output {}", text, text);

    assertThat(outcome.exitCode()).isEqualTo(2);
    assertThat(outcome.err()).contains("--output").hasLineCount(1);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--batch-size 0",
        "--learning-rate -1",
        "--max-sequence-length 9999",
        "--padding learned --packing"
      })
  void badValuesNameTheirOption(String options) {
    var option = options.substring(0, options.indexOf(' '));
    var outcome = finetune("--train {} --output {} " + options, text, folder.resolve("out"));

    assertThat(outcome.exitCode()).isEqualTo(2);
    assertThat(outcome.err()).contains(option + " ", "--help").hasLineCount(1);
    assertThat(folder.resolve("out")).doesNotExist();
  }
}
