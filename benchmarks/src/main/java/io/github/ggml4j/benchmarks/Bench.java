package io.github.ggml4j.benchmarks;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Speed and memory on a device, compared with PyTorch on the same device; they run alternately. */
final class Bench {
  private static final double MIB = 1 << 20;

  /** Numbers of parts to try if a training batch does not fit into memory as a whole. */
  private static final List<Integer> PARTS = List.of(1, 2, 4, 8, 16);

  private final Pack pack;
  private final Deadline deadline;
  private final Report report;
  private final Path models;
  private final String device;

  Bench(Pack pack, Deadline deadline, Report report, Path models, String device) {
    this.pack = pack;
    this.deadline = deadline;
    this.report = report;
    this.models = models;
    this.device = device;
  }

  /**
   * Measures as many items as the time allows.
   *
   * @param size of the model, see {@link ReferenceModel}
   * @param strict if true, ggml4j is timed only if its logits are correct
   */
  void run(String size, List<Work> works, int rounds, List<String> notes, boolean strict) {
    var part = report.begin("bench");
    part.put("device", device);
    var checks = part.putArray("checks");
    var rows = part.putArray("rows");
    var remarks = part.putArray("notes");
    notes.forEach(remarks::add);
    report.save();
    var made = reference("make", size);
    if (!made.succeeded()) {
      remarks.add(
          "Nothing was measured, because the model could not be created: " + made.problem());
      report.end("bench");
      return;
    }
    part.put("model", made.out().strip());
    boolean right = checkOurs(checks) || !strict;
    try (var peer = startPeer(remarks, checks)) {
      for (var work : works) {
        measure(work, rounds, right, peer, rows.addObject());
        report.save();
      }
    }
    report.end("bench");
  }

  private Child reference(String what, String argument) {
    var command = pack.java("-Xmx2g");
    command.addAll(List.of("-cp", pack.root() + "/app/*", ReferenceModel.class.getName()));
    command.addAll(List.of(what, models.toString(), argument));
    return Child.run(command, pack.root(), deadline.left());
  }

  private boolean checkOurs(ArrayNode checks) {
    var compared = reference("compare", device);
    note(
        checks,
        "ggml4j on " + device,
        compared.succeeded()
            ? "logits differ from those of the CPU by " + compared.out() + " of their norm"
            : "WRONG: " + compared.problem());
    return compared.succeeded();
  }

  private static void note(ArrayNode checks, String what, String result) {
    checks.addObject().put("what", what).put("result", result);
    System.out.println("check: " + what + ": " + result);
  }

  /** Returns null if there is no PyTorch or its logits are wrong. */
  private @Nullable Peer startPeer(ArrayNode remarks, ArrayNode checks) {
    try {
      var peer = Peer.start(pack, models, device.startsWith("cuda") ? "cuda" : "cpu");
      var request = JsonMapper.shared().createObjectNode().put("what", "check");
      var answer = peer.ask(request, deadline.left());
      if (answer.has("problem")) {
        note(checks, "PyTorch", "left out: " + answer.get("problem").asString());
        peer.close();
        return null;
      }
      note(
          checks,
          answer.path("versions").asString("PyTorch"),
          String.format(
              Locale.ROOT,
              "logits differ from those of ggml4j on the CPU by %.1e of their norm",
              answer.path("error").asDouble()));
      return peer;
    } catch (IOException e) {
      remarks.add("Without PyTorch: " + e.getMessage());
      return null;
    }
  }

  private void measure(Work work, int rounds, boolean right, @Nullable Peer peer, ObjectNode row) {
    row.put("what", work.what());
    var ours = row.putObject("ours");
    var theirs = row.putObject("peer");
    var mine = new Rounds();
    var others = new Rounds();
    if (!work.ours()) {
      ours.put("problem", "not supported by ggml4j");
    } else if (!right) {
      ours.put("problem", "not timed, because the logits are wrong");
    }
    if (peer == null) {
      theirs.put("problem", "not available");
    }
    for (int round = 0; round < rounds; round++) {
      if (!deadline.allows(work.seconds())) {
        (mine.isEmpty() && others.isEmpty() ? ours : row).put("problem", "the time was over");
        break;
      }
      boolean first = round % 2 == 0;
      if (!first) {
        askPeer(work, peer, theirs, others);
      }
      if (!ours.has("problem")) {
        measureOurs(work, ours, mine);
      }
      if (first) {
        askPeer(work, peer, theirs, others);
      }
    }
    if (!mine.isEmpty()) {
      mine.write(ours);
    }
    if (!others.isEmpty()) {
      others.write(theirs);
    }
    if (!mine.isEmpty() && !others.isEmpty()) {
      mine.over(others).write(row.putObject("ratio"));
    }
    System.out.printf(
        Locale.ROOT,
        "%-36s ggml4j %s, PyTorch %s%n",
        work.what(),
        mine.isEmpty() ? ours.path("problem").asString("-") : format(mine.median()),
        others.isEmpty() ? theirs.path("problem").asString("-") : format(others.median()));
  }

  private static String format(double speed) {
    return String.format(Locale.ROOT, "%,.0f tok/s", speed);
  }

  private void measureOurs(Work work, ObjectNode side, Rounds rounds) {
    int first = side.path("parts").asInt(1);
    for (int parts : PARTS) {
      if (parts < first || work.count() % parts != 0) {
        continue;
      }
      var arguments = new ArrayList<>(List.of("bench", "--model", weights(work), "--json"));
      arguments.addAll(List.of("--device", device));
      arguments.addAll(work.arguments(parts));
      var child =
          Child.run(pack.ggml4j(arguments.toArray(String[]::new)), pack.root(), deadline.left());
      if (child.succeeded()) {
        var result = JsonMapper.shared().readTree(child.out()).get("results").get(0);
        rounds.add(result.get("tokens_per_second").asDouble());
        keepPeak(side, result.path("memory").asDouble() / MIB);
        keepParts(side, parts, work);
        return;
      }
      if (!work.isTraining() || !child.err().contains("memory")) {
        side.put("problem", child.problem());
        return;
      }
    }
    side.put("problem", "out of memory, even in " + PARTS.getLast() + " parts");
  }

  private String weights(Work work) {
    return models.resolve(work.weights()).toString();
  }

  private static void keepPeak(ObjectNode side, double mib) {
    side.put("peak_mib", Math.max(side.path("peak_mib").asLong(0), Math.round(mib)));
  }

  private static void keepParts(ObjectNode side, int parts, Work work) {
    side.put("parts", parts);
    if (parts > 1) {
      side.put("note", parts + " batches of " + work.count() / parts + " each step");
    }
  }

  private void askPeer(Work work, @Nullable Peer peer, ObjectNode side, Rounds rounds) {
    if (peer == null || side.has("problem")) {
      return;
    }
    var request = work.request();
    request.put("parts", side.path("parts").asInt(1));
    JsonNode answer = peer.ask(request, deadline.left());
    if (answer.has("problem")) {
      side.put("problem", answer.get("problem").asString());
      return;
    }
    rounds.add(answer.get("tokens_per_second").asDouble());
    keepPeak(side, answer.path("peak_mib").asDouble());
    keepParts(side, answer.path("parts").asInt(1), work);
  }
}
