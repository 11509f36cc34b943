package io.github.ggml4j.benchmarks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import tools.jackson.databind.node.ObjectNode;

/** Facts about the machine. */
final class Machine {
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private Machine() {}

  static void describe(ObjectNode facts, Pack pack) {
    facts.put("processor", cpuModel());
    facts.put("processors", Integer.toString(Runtime.getRuntime().availableProcessors()));
    memory().ifPresent(value -> facts.put("memory", value));
    facts.put("system", System.getProperty("os.name") + " " + System.getProperty("os.version"));
    facts.put("java", Runtime.version().toString());
    ask(pack, pack.ggml4j("version"))
        .ifPresent(value -> facts.put("ggml4j", String.join("; ", value)));
    ask(pack, pack.ggml4j("devices"))
        .ifPresent(value -> facts.put("devices", String.join("; ", value)));
    var query =
        "--query-gpu=name,driver_version,memory.total,memory.used,clocks.max.sm,power.limit";
    ask(pack, List.of("nvidia-smi", query, "--format=csv,noheader"))
        .ifPresentOrElse(
            value -> facts.put("nvidia-smi", String.join("; ", value)),
            () -> facts.put("nvidia-smi", "not found: no NVIDIA driver"));
  }

  /** The lines that a program prints; empty if it does not exist or fails. */
  private static Optional<List<String>> ask(Pack pack, List<String> command) {
    try {
      var child = Child.run(command, pack.root(), PATIENCE);
      return child.succeeded()
          ? Optional.of(child.out().lines().filter(line -> !line.isBlank()).limit(12).toList())
          : Optional.empty();
    } catch (java.io.UncheckedIOException e) {
      return Optional.empty();
    }
  }

  private static String cpuModel() {
    return lines("/proc/cpuinfo").stream()
        .filter(line -> line.startsWith("model name"))
        .map(line -> line.substring(line.indexOf(':') + 1).strip())
        .findFirst()
        .orElse(System.getProperty("os.arch"));
  }

  private static Optional<String> memory() {
    return lines("/proc/meminfo").stream()
        .filter(line -> line.startsWith("MemTotal"))
        .map(line -> Long.parseLong(line.replaceAll("[^0-9]", "")))
        .map(kib -> String.format(Locale.ROOT, "%.1f GiB", kib / 1024.0 / 1024.0))
        .findFirst();
  }

  private static List<String> lines(String file) {
    try {
      return Files.readAllLines(Path.of(file));
    } catch (IOException e) {
      return List.of();
    }
  }
}
