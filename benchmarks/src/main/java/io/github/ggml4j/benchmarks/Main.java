package io.github.ggml4j.benchmarks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Runs the requested parts one after the other; started by {@code run} in the archive. */
public final class Main {
  private static final List<String> PARTS = List.of("suite", "bench", "profile");

  private static final String USAGE =
      """
      Usage: ./run [suite] [bench] [profile] [NAME=VALUE ...]

      suite runs the device tests, bench compares speed and memory with PyTorch, profile divides the time among ops.
      Without a part, all are run. Results are written to report.md and report.json after each step; results of other
      parts in these files are kept.

        NAME=VALUE        meaning                                     default
        out=FOLDER        folder of the report                        results, in the folder of run
        devices=A,B       devices for suite: cpu, cpu-stock, cuda,
                          cuda-tf32                                   cpu; also cuda, cuda-tf32 if CUDA works
        device=A          device for bench and profile                cuda if it is one of devices, else the first
        minutes=N         longest time of a part                      9
        rounds=N          rounds of each measurement                  3
        model=SIZE        124m, or tiny for a quick trial             124m
        check=off         also time devices with wrong logits         on
      """;

  private Main() {}

  /** Arguments as the usage says. */
  public static void main(String[] args) throws IOException {
    var parts = new ArrayList<String>();
    Map<String, String> settings = new TreeMap<>();
    for (var arg : args) {
      int equals = arg.indexOf('=');
      if (PARTS.contains(arg)) {
        parts.add(arg);
      } else if (equals > 0 && USAGE.contains("\n  " + arg.substring(0, equals + 1))) {
        settings.put(arg.substring(0, equals), arg.substring(equals + 1));
      } else {
        System.err.print(USAGE);
        System.exit(arg.equals("--help") ? 0 : 2);
      }
    }
    new Run(settings).all(parts.isEmpty() ? PARTS : parts);
  }

  private static final class Run {
    private final Map<String, String> settings;
    private final Pack pack = new Pack(Path.of(System.getProperty("ggml4j.pack")).toAbsolutePath());

    Run(Map<String, String> settings) {
      this.settings = settings;
    }

    private String setting(String name, String other) {
      return settings.getOrDefault(name, other);
    }

    void all(List<String> parts) throws IOException {
      var out =
          settings.containsKey("out")
              ? Path.of(setting("out", ""))
              : pack.root().resolve("results");
      var report = Report.in(out.toAbsolutePath());
      var choice = Choice.of(pack, settings.get("devices"));
      var device = setting("device", choice.measured());
      Machine.describe(report.machine(), pack);
      report.save();
      for (var part : parts) {
        var deadline = Deadline.in(Duration.ofSeconds(Math.round(60 * number("minutes", 9))));
        switch (part) {
          case "suite" -> new Suite(pack, deadline, report).run(choice);
          case "bench" -> bench(report, deadline, device, choice);
          default -> new Profile(pack, deadline, report, models(), device).run(size());
        }
      }
      System.out.println("Report: " + report.folder().resolve("report.md"));
    }

    private double number(String name, double other) {
      return settings.containsKey(name) ? Double.parseDouble(settings.get(name)) : other;
    }

    private String size() {
      return setting("model", "124m");
    }

    private boolean checks() {
      return !setting("check", "on").equals("off");
    }

    private Path models() throws IOException {
      return Files.createDirectories(pack.root().resolve("work").resolve(size()));
    }

    private void bench(Report report, Deadline deadline, String device, Choice choice)
        throws IOException {
      boolean gpu = !device.startsWith("cpu");
      var notes = new ArrayList<String>();
      if (!gpu) {
        notes.add(
            "Measured on the CPU, with smaller workloads"
                + (choice.reason().isEmpty() ? "." : ": " + choice.reason())
                + " Training with 64x1024 tokens and with bf16 is left out.");
      }
      new Bench(pack, deadline, report, models(), device)
          .run(size(), gpu ? onGpu() : onCpu(), (int) number("rounds", 3), notes, checks());
    }

    /** In order of importance, because the time may not suffice for all. */
    private List<Work> onGpu() {
      boolean tiny = size().equals("tiny");
      int length = tiny ? 256 : 1024;
      return List.of(
          Work.training(8, 128, "float32", 10, 5),
          Work.decode("f32", 1, 128, 3, 5),
          Work.decode("f32", 256, 128, 2, 10),
          Work.training(64, length, "float32", 3, 25),
          Work.training(8, 128, "tf32", 10, 5),
          Work.training(64, length, "tf32", 3, 20),
          Work.decode("bf16", 1, 128, 3, 5),
          Work.decode("bf16", 256, 128, 2, 10),
          Work.training(8, 128, "bf16", 10, 5),
          Work.training(64, length, "bf16", 3, 15));
    }

    private static List<Work> onCpu() {
      return List.of(
          Work.training(8, 128, "float32", 1, 30),
          Work.decode("f32", 1, 16, 1, 10),
          Work.decode("f32", 256, 4, 1, 30),
          Work.decode("bf16", 1, 16, 1, 10));
    }
  }
}
