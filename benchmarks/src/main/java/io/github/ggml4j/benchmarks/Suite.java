package io.github.ggml4j.benchmarks;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Runs the device tests, each class on each device in a JVM of its own. */
final class Suite {
  private final Pack pack;
  private final Deadline deadline;
  private final Report report;

  Suite(Pack pack, Deadline deadline, Report report) {
    this.pack = pack;
    this.deadline = deadline;
    this.report = report;
  }

  /** Runs all tests. The report lists classes that did not run, with the reason. */
  void run(Choice choice) {
    var part = report.begin("suite");
    if (!choice.reason().isEmpty()) {
      part.putArray("notes").add(choice.reason());
      System.out.println(choice.reason());
    }
    var results = part.putArray("devices");
    for (var device : choice.devices()) {
      var one = results.addObject();
      one.put("device", device);
      var classes = one.putArray("classes");
      for (var module : Pack.MODULES) {
        for (var name : pack.deviceTests(module)) {
          run(module, name, device, classes.addObject());
          report.save();
        }
      }
    }
    report.end("suite");
  }

  private void run(String module, String name, String device, ObjectNode result) {
    result.put("class", name.substring(name.lastIndexOf('.') + 1));
    if (deadline.isOver()) {
      result.put("problem", "not run: the time was over");
      return;
    }
    long start = System.nanoTime();
    try {
      var lines = Files.createTempFile("ggml4j", ".tests");
      try {
        var command =
            pack.java("-Xmx2g", "-XX:TieredStopAtLevel=1", "-Dggml4j.test.device=" + device);
        command.addAll(
            List.of(
                "-cp",
                pack.testClasses(module) + java.io.File.pathSeparator + pack.root() + "/app/*",
                TestWorker.class.getName(),
                lines.toString(),
                name));
        var child = Child.run(command, pack.folder(module), deadline.left());
        count(lines, result);
        if (!child.succeeded()) {
          var running = running(lines);
          result.put(
              "problem", child.problem() + (running.isEmpty() ? "" : ", while it ran " + running));
        }
      } finally {
        Files.deleteIfExists(lines);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    result.put("seconds", Math.round((System.nanoTime() - start) / 1e8) / 10.0);
    System.out.printf(
        Locale.ROOT,
        "%-10s %-28s %4d passed %3d failed %3d skipped  %5.1f s %s%n",
        device,
        result.get("class").asString(),
        result.path("passed").asInt(),
        result.path("failed").asInt(),
        result.path("skipped").asInt(),
        result.get("seconds").asDouble(),
        result.path("problem").asString(""));
  }

  private static void count(Path lines, ObjectNode result) throws IOException {
    var counts = new LinkedHashMap<String, Integer>();
    List.of("passed", "failed", "skipped").forEach(status -> counts.put(status, 0));
    ArrayNode failures = JsonMapper.shared().createArrayNode();
    ArrayNode skips = JsonMapper.shared().createArrayNode();
    for (var line : read(lines)) {
      var status = line.get("status").asString();
      counts.merge(status, 1, Integer::sum);
      if (status.equals("failed")) {
        failures.add(line);
      } else if (status.equals("skipped")) {
        skips.add(line);
      }
    }
    counts.remove("started");
    counts.forEach(result::put);
    if (!failures.isEmpty()) {
      result.set("failures", failures);
    }
    if (!skips.isEmpty()) {
      result.set("skips", skips);
    }
  }

  /** The test that was started and has no result. */
  private static String running(Path lines) throws IOException {
    var running = "";
    for (var line : read(lines)) {
      running = line.get("status").asString().equals("started") ? line.get("test").asString() : "";
    }
    return running;
  }

  private static List<JsonNode> read(Path lines) throws IOException {
    return Files.readAllLines(lines).stream()
        .filter(line -> line.endsWith("}"))
        .map(line -> JsonMapper.shared().readTree(line))
        .toList();
  }
}
