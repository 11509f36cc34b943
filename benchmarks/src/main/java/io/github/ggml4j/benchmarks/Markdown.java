package io.github.ggml4j.benchmarks;

import java.util.Locale;
import tools.jackson.databind.JsonNode;

/** The report as Markdown. */
final class Markdown {
  private final StringBuilder text = new StringBuilder();

  private Markdown() {}

  static String of(JsonNode report) {
    var markdown = new Markdown();
    markdown.line("# Tests and measurements of a device");
    markdown.machine(report.path("machine"));
    markdown.suite(report.path("suite"));
    markdown.bench(report.path("bench"));
    markdown.profile(report.path("profile"));
    return markdown.text.toString();
  }

  private void line(String line) {
    text.append(line).append('\n');
  }

  private void machine(JsonNode machine) {
    if (machine.isMissingNode()) {
      return;
    }
    line("");
    for (var fact : machine.properties()) {
      line(String.format(Locale.ROOT, "- %s: %s", fact.getKey(), cell(fact.getValue().asString())));
    }
  }

  private void title(String title, JsonNode part) {
    line("");
    line(String.format(Locale.ROOT, "## %s", title));
    line("");
    if (!part.path("complete").asBoolean()) {
      line("**This part was aborted. The results up to then follow.**");
      line("");
    }
  }

  private void suite(JsonNode suite) {
    if (suite.isMissingNode()) {
      return;
    }
    title("Golden tests", suite);
    line("| device | tests passed | failed | skipped | classes | ended early | seconds |");
    line("|---|---|---|---|---|---|---|");
    for (var device : suite.path("devices")) {
      var classes = device.path("classes");
      line(
          String.format(
              Locale.ROOT,
              "| %s | %d | %d | %d | %d | %d | %.0f |",
              device.path("device").asString(),
              sum(classes, "passed"),
              sum(classes, "failed"),
              sum(classes, "skipped"),
              classes.size(),
              classes.valueStream().filter(one -> one.has("problem")).count(),
              classes.valueStream().mapToDouble(one -> one.path("seconds").asDouble()).sum()));
    }
    notes(suite.path("notes"));
    for (var device : suite.path("devices")) {
      var name = device.path("device").asString();
      for (var one : device.path("classes")) {
        var testClass = one.path("class").asString();
        if (one.has("problem")) {
          line("");
          line(
              String.format(
                  Locale.ROOT,
                  "- **%s, %s**: %s",
                  name,
                  testClass,
                  cell(one.get("problem").asString())));
        }
        list("failed", name, testClass, one.path("failures"));
        list("skipped", name, testClass, one.path("skips"));
      }
    }
  }

  private static int sum(JsonNode classes, String status) {
    return classes.valueStream().mapToInt(one -> one.path(status).asInt()).sum();
  }

  private void list(String what, String device, String testClass, JsonNode tests) {
    if (tests.isEmpty()) {
      return;
    }
    line("");
    line(String.format(Locale.ROOT, "%s, %s, %s:", device, testClass, what));
    line("");
    for (var test : tests) {
      line(
          String.format(
              Locale.ROOT,
              "- %s: %s",
              cell(test.path("test").asString()),
              cell(test.path("reason").asString())));
    }
  }

  private void bench(JsonNode bench) {
    if (bench.isMissingNode()) {
      return;
    }
    title("Speed and memory compared with PyTorch", bench);
    if (bench.has("model")) {
      line(String.format(Locale.ROOT, "%s", bench.get("model").asString()));
      line("");
    }
    checks(bench.path("checks"));
    line(
        "| measurement | ggml4j tok/s (rounds) | PyTorch tok/s (rounds) | ratio (rounds) | peak MiB |");
    line("|---|---|---|---|---|");
    for (var row : bench.path("rows")) {
      line(
          String.format(
              Locale.ROOT,
              "| %s | %s | %s | %s | %s |",
              cell(row.path("what").asString()),
              side(row.path("ours")),
              side(row.path("peer")),
              ratio(row.path("ratio")),
              memory(row.path("ours")) + " / " + memory(row.path("peer"))));
    }
    line("");
    line(
        "Each figure is the median over the rounds, in which the sides take turns, with the lowest"
            + " and the highest; ratios are those of the rounds. Peak: device memory on a GPU,"
            + " resident memory of the process on a CPU, ggml4j first.");
    notes(bench.path("notes"));
  }

  private void checks(JsonNode checks) {
    for (var check : checks) {
      line(
          String.format(
              Locale.ROOT,
              "- checked before timing, %s: %s",
              cell(check.path("what").asString()),
              cell(check.path("result").asString())));
    }
    if (!checks.isEmpty()) {
      line("");
    }
  }

  private void notes(JsonNode notes) {
    for (var note : notes) {
      line("");
      line(String.format(Locale.ROOT, "- %s", cell(note.asString())));
    }
  }

  private static String side(JsonNode side) {
    if (side.has("median")) {
      return String.format(
          Locale.ROOT,
          "%,.0f (%,.0f-%,.0f)%s",
          side.get("median").asDouble(),
          side.get("lowest").asDouble(),
          side.get("highest").asDouble(),
          side.has("note") ? ", " + cell(side.get("note").asString()) : "");
    }
    return side.has("problem") ? cell(side.get("problem").asString()) : "-";
  }

  private static String ratio(JsonNode ratio) {
    return ratio.isMissingNode()
        ? "-"
        : String.format(
            Locale.ROOT,
            "%.2f (%.2f-%.2f)",
            ratio.get("median").asDouble(),
            ratio.get("lowest").asDouble(),
            ratio.get("highest").asDouble());
  }

  private static String memory(JsonNode side) {
    return side.has("peak_mib")
        ? String.format(Locale.ROOT, "%,d", side.get("peak_mib").asLong())
        : "-";
  }

  private void profile(JsonNode profile) {
    if (profile.isMissingNode()) {
      return;
    }
    title("Time of each op", profile);
    for (var one : profile.path("profiles")) {
      line(String.format(Locale.ROOT, "### %s", one.path("what").asString()));
      line("");
      if (one.has("problem")) {
        line(String.format(Locale.ROOT, "%s", cell(one.get("problem").asString())));
        line("");
        continue;
      }
      line(String.format(Locale.ROOT, "%s", cell(one.path("how").asString())));
      line("");
      line("| op | calls | ms | share |");
      line("|---|---|---|---|");
      for (var op : one.path("ops")) {
        line(
            String.format(
                Locale.ROOT,
                "| %s | %d | %.3f | %.1f%% |",
                cell(op.path("op").asString()),
                op.path("count").asLong(),
                op.path("milliseconds").asDouble(),
                100 * op.path("part").asDouble()));
      }
      line("");
    }
    notes(profile.path("notes"));
  }

  /** Text in one line, escaped for a cell of a table. */
  private static String cell(String text) {
    var line = text.strip().replaceAll("\\s+", " ").replace("|", "\\|");
    return line.length() <= 400 ? line : line.substring(0, 400) + " ...";
  }
}
