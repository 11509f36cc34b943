package io.github.ggml4j.cli;

import io.github.ggml4j.tensor.Device;
import io.github.ggml4j.tensor.DeviceInfo;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import tools.jackson.databind.json.JsonMapper;

@Command(
    name = "devices",
    description = "Lists what can compute here: the values of --device.",
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "--device auto takes the first GPU, else the CPU.",
      "",
      "Example:",
      "  ggml4j devices --json"
    })
final class DevicesCommand implements Runnable {
  private static final double GIB = 1L << 30;

  @Spec private CommandSpec spec;

  @Option(names = "--json", description = "Print JSON.")
  private boolean json;

  @Override
  public void run() {
    var devices = Device.list();
    var out = spec.commandLine().getOut();
    if (json) {
      out.println(json(devices));
      return;
    }
    int threads = Runtime.getRuntime().availableProcessors();
    for (var device : devices) {
      out.println(
          String.format(
              Locale.ROOT,
              "%-8s %s, %s%.1f of %.1f GiB free",
              device.name(),
              device.description(),
              device.kind() == DeviceInfo.Kind.CPU ? threads + " threads, " : "",
              device.freeMemory() / GIB,
              device.totalMemory() / GIB));
    }
  }

  private static String json(List<DeviceInfo> devices) {
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
    }
    return array.toString();
  }
}
