package io.github.ggml4j.cli;

import io.github.ggml4j.tensor.Device;
import io.github.ggml4j.tensor.DeviceInfo;
import io.github.ggml4j.trainer.internal.ops.OpTable;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

@Command(
    name = "devices",
    description = "Lists the devices of this machine: the values of --device.",
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "--device auto uses the first GPU, or the CPU if there is none. The ops are those of ggml"
          + " that GPT-2 needs; on the CPU, ggml4j uses its own kernels for most of them.",
      "",
      "Examples:",
      "  ggml4j devices --json",
      "  ggml4j devices --ops"
    })
final class DevicesCommand implements Runnable {
  private static final double GIB = 1L << 30;

  @Spec private CommandSpec spec;

  @Option(
      names = "--ops",
      description = "Print a table of ops and types, and the devices that support them.")
  private boolean ops;

  @Option(names = "--json", description = "Print JSON.")
  private boolean json;

  @Override
  public void run() {
    var devices = Device.list();
    var problems = Device.problems();
    var table = OpTable.record(devices.stream().filter(d -> d.problem() == null).toList());
    var out = spec.commandLine().getOut();
    if (json) {
      out.println(json(devices, problems, table));
      return;
    }
    devices.forEach(device -> print(device, table, out));
    problems.forEach(out::println);
    if (ops) {
      out.println();
      printOps(devices, table, out);
    }
  }

  private static void print(DeviceInfo device, OpTable table, PrintWriter out) {
    if (device.problem() != null) {
      line(device.name(), device.description() + ", not usable: " + device.problem(), out);
      return;
    }
    line(
        device.name(),
        device.description()
            + (device.kind() == DeviceInfo.Kind.CPU
                ? ", " + Runtime.getRuntime().availableProcessors() + " threads"
                : "")
            + (device.computeCapability() == null
                ? ""
                : ", compute capability " + device.computeCapability())
            + String.format(
                Locale.ROOT,
                ", %.1f of %.1f GiB free",
                device.freeMemory() / GIB,
                device.totalMemory() / GIB),
        out);
    line(
        "",
        device.versions().entrySet().stream()
            .map(version -> version.getKey() + " " + version.getValue())
            .collect(Collectors.joining(", ")),
        out);
    line("", ops(device.name(), table), out);
  }

  private static void line(String name, String text, PrintWriter out) {
    out.println(String.format(Locale.ROOT, "%-8s %s", name, text));
  }

  /** {@code all 27 ops}, followed by the unsupported ones with their types. */
  private static String ops(String device, OpTable table) {
    var missing = table.missingOn(device);
    if (missing.isEmpty()) {
      return "all " + table.names() + " ops";
    }
    var types = new TreeMap<String, List<String>>();
    missing.forEach(op -> types.computeIfAbsent(op.name(), _ -> new ArrayList<>()).add(first(op)));
    return "all "
        + table.names()
        + " ops, except "
        + types.entrySet().stream()
            .map(entry -> entry.getKey() + " of " + String.join(", ", entry.getValue()))
            .collect(Collectors.joining("; "));
  }

  /** The type of the first input, which distinguishes the uses of an op. */
  private static String first(OpTable.Op op) {
    return op.types().replaceFirst(",? .*", "");
  }

  private static void printOps(List<DeviceInfo> devices, OpTable table, PrintWriter out) {
    var usable = devices.stream().filter(d -> d.problem() == null).map(DeviceInfo::name).toList();
    out.println(row("op", "types", usable, "used for"));
    table
        .uses()
        .forEach((op, use) ->
            out.println(
                row(
                    op.name(),
                    op.types(),
                    usable.stream().map(d -> use.missingOn().contains(d) ? "no" : "yes").toList(),
                    use.phases().stream()
                        .map(Object::toString)
                        .collect(Collectors.joining(", ")))));
  }

  private static String row(String op, String types, List<String> answers, String phases) {
    var columns = new StringBuilder();
    answers.forEach(answer -> columns.append(String.format(Locale.ROOT, "%-6s ", answer)));
    return String.format(Locale.ROOT, "%-14s %-30s %s %s", op, types, columns, phases);
  }

  private String json(List<DeviceInfo> devices, List<String> problems, OpTable table) {
    var array = JsonMapper.shared().createArrayNode();
    for (var device : devices) {
      var node = array.addObject();
      node.put("name", device.name());
      node.put("description", device.description());
      node.put("kind", device.kind().name().toLowerCase(Locale.ROOT));
      node.put("free_memory", device.freeMemory());
      node.put("total_memory", device.totalMemory());
      if (device.kind() == DeviceInfo.Kind.CPU) {
        node.put("threads", Runtime.getRuntime().availableProcessors());
      }
      putIfKnown(node, "compute_capability", device.computeCapability());
      putIfKnown(node, "problem", device.problem());
      var versions = node.putObject("versions");
      device.versions().forEach((name, version) -> versions.put(name.replace(' ', '_'), version));
      if (device.problem() == null) {
        node.put("ops", table.names());
        var missing = node.putArray("missing_ops");
        table.missingOn(device.name()).forEach(op -> missing.add(op.toString()));
        if (ops) {
          putOps(node, device.name(), table);
        }
      }
    }
    for (var problem : problems) {
      array.addObject().put("problem", problem);
    }
    return array.toString();
  }

  private static void putOps(ObjectNode node, String device, OpTable table) {
    var all = node.putArray("op_table");
    table
        .uses()
        .forEach((op, use) -> {
          var one = all.addObject();
          one.put("op", op.name());
          one.put("types", op.types());
          one.put("supported", !use.missingOn().contains(device));
          var phases = one.putArray("used_for");
          use.phases().forEach(phase -> phases.add(phase.toString()));
        });
  }

  private static void putIfKnown(ObjectNode node, String name, @Nullable String value) {
    if (value != null) {
      node.put(name, value);
    }
  }
}
