package io.github.ggml4j.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReportTest {
  @Test
  void aPartKeepsWhatOthersWroteAndWhatWasCutOffSaysSo(@TempDir Path folder) throws IOException {
    var report = Report.in(folder);
    report.machine().put("processor", "one");
    var suite = report.begin("suite").putArray("devices").addObject().put("device", "cpu");
    var one = suite.putArray("classes").addObject();
    one.put("class", "OpsTest").put("passed", 3).put("failed", 1).put("skipped", 1);
    one.putArray("failures").addObject().put("test", "a").put("reason", "1 is\n not 2 | 3");
    report.save();
    var text = Files.readString(folder.resolve("report.md"));
    assertThat(text)
        .contains("- processor: one")
        .contains("aborted")
        .contains("| cpu | 3 | 1 | 1 | 1 | 0 |")
        .contains("- a: 1 is not 2 \\| 3");
    report.end("suite");
    var again = Report.in(folder);
    var row = again.begin("bench").putArray("rows").addObject().put("what", "decode");
    var rounds = new Rounds();
    List.of(10.0, 30.0, 20.0).forEach(rounds::add);
    rounds.write(row.putObject("ours"));
    row.putObject("peer").put("problem", "not there");
    again.end("bench");
    assertThat(Files.readString(folder.resolve("report.md")))
        .doesNotContain("aborted")
        .contains("| cpu | 3 | 1 | 1 | 1 | 0 |")
        .contains("| decode | 20 (10-30) | not there | - | - / - |");
    assertThat(Files.readString(folder.resolve("report.json"))).contains("\"median\" : 20.0");
  }

  @Test
  void ratiosAreThoseOfTheRounds() {
    var ours = new Rounds();
    var theirs = new Rounds();
    List.of(10.0, 40.0, 30.0).forEach(ours::add);
    List.of(10.0, 20.0).forEach(theirs::add);
    assertThat(ours.over(theirs).median()).isEqualTo(1);
    assertThat(ours.median()).isEqualTo(30);
  }

  @Test
  void workIsTheSameOnBothSides() {
    var training = Work.training(64, 1024, "tf32", 3, 20);
    assertThat(training.arguments(8))
        .containsSubsequence("--batch-size", "8", "--gradient-accumulation-steps", "8")
        .contains("--tf32");
    assertThat(training.request().toString())
        .contains("\"count\":64", "\"precision\":\"high\"", "\"autocast\":false");
    assertThat(Work.training(8, 128, "bf16", 1, 1).ours()).isFalse();
    assertThat(Work.decode("f32", 256, 9, 1, 1).arguments(1))
        .containsSubsequence("--only", "batch", "--sequences", "256", "--new-tokens", "9");
  }

  @Test
  void aProgramThatTakesTooLongIsEnded(@TempDir Path folder) {
    var slow = Child.run(List.of("sleep", "30"), folder, Duration.ofMillis(50));
    assertThat(slow.timedOut()).isTrue();
    assertThat(slow.problem()).contains("the time was over");
    var failed =
        Child.run(List.of("sh", "-c", "echo why >&2; exit 3"), folder, Duration.ofMinutes(1));
    assertThat(failed.succeeded()).isFalse();
    assertThat(failed.problem()).isEqualTo("exit code 3: why");
    var killed = Child.run(List.of("sh", "-c", "kill -ABRT $$"), folder, Duration.ofMinutes(1));
    assertThat(killed.problem()).startsWith("ended by signal 6");
  }

  @Test
  void whatIsLeftOfTheTimeRunsOut() {
    assertThat(Deadline.in(Duration.ZERO).isOver()).isTrue();
    assertThat(Deadline.in(Duration.ofMinutes(1)).allows(30)).isTrue();
    assertThat(Deadline.in(Duration.ofMinutes(1)).allows(90)).isFalse();
  }
}
