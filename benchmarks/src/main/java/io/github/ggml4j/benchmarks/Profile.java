package io.github.ggml4j.benchmarks;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** How the time of a training step and of a decode step is divided among ops. */
final class Profile {
  private final Pack pack;
  private final Deadline deadline;
  private final Report report;
  private final Path models;
  private final String device;

  Profile(Pack pack, Deadline deadline, Report report, Path models, String device) {
    this.pack = pack;
    this.deadline = deadline;
    this.report = report;
    this.models = models;
    this.device = device;
  }

  /**
   * Profiles steps of the reference model.
   *
   * @param size see {@link ReferenceModel}
   */
  void run(String size) {
    var part = report.begin("profile");
    part.put("device", device);
    var profiles = part.putArray("profiles");
    part.putArray("notes")
        .add(
            "Each op ran by itself and was waited for; the time of a call that computes nothing was"
                + " taken off. What runs at once or as one in a whole step does not show.");
    report.save();
    if (!Files.exists(models.resolve("logits.f32"))) {
      var command = pack.java("-Xmx2g");
      command.addAll(List.of("-cp", pack.root() + "/app/*", ReferenceModel.class.getName()));
      command.addAll(List.of("make", models.toString(), size));
      Child.run(command, pack.root(), deadline.left());
    }
    boolean gpu = !device.startsWith("cpu");
    add(profiles.addObject(), "training", 8, 128, gpu ? 3 : 1);
    add(profiles.addObject(), "decode", 1, 64, gpu ? 10 : 3);
    if (gpu) {
      add(profiles.addObject(), "decode", 256, 64, 5);
    }
    report.end("profile");
  }

  private void add(ObjectNode one, String kind, int sequences, int length, int steps) {
    var what =
        kind.equals("training")
            ? "A training step of " + sequences + "x" + length + " tokens"
            : "A decode step of " + sequences + " sequences, after " + length + " tokens";
    one.put("what", what + " on " + device);
    var command = pack.java("-Xmx2g");
    command.addAll(List.of("-cp", pack.root() + "/app/*", ProfileWorker.class.getName()));
    command.addAll(List.of(models.resolve("f32").toString(), device, kind));
    for (int number : new int[] {sequences, length, steps}) {
      command.add(Integer.toString(number));
    }
    // otherwise ggml would capture a CUDA graph for every op
    var environment = Map.of("GGML_CUDA_DISABLE_GRAPHS", "1");
    var child = Child.run(command, pack.root(), environment, deadline.left());
    if (child.succeeded()) {
      var result = (ObjectNode) JsonMapper.shared().readTree(child.out());
      one.setAll(result);
      one.put(
          "how",
          String.format(
              Locale.ROOT,
              "%d ops of %.2f ms together; the step as a whole takes %.2f ms, op by op %.2f ms"
                  + " (%.0f us to call each).",
              result.get("ops_count").asInt(),
              result.get("ops_milliseconds").asDouble(),
              result.get("step_milliseconds").asDouble(),
              result.get("op_by_op_milliseconds").asDouble(),
              result.get("overhead_microseconds").asDouble()));
    } else {
      one.put("problem", child.problem());
    }
    System.out.println(
        "profile: " + what + ": " + one.path("how").asString(one.path("problem").asString("")));
    report.save();
  }
}
