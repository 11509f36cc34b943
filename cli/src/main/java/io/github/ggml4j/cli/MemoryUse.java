package io.github.ggml4j.cli;

import io.github.ggml4j.evaluation.Speed;
import io.github.ggml4j.tensor.Device;
import io.github.ggml4j.tensor.DeviceInfo;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;

/**
 * Measures memory use: on a GPU the decrease of free memory since the start, on the CPU the peak
 * memory of this process.
 */
final class MemoryUse {
  private static final Path STATUS = Path.of("/proc/self/status");
  private static final String PEAK = "VmHWM:";

  private final Map<String, Long> freeBefore;

  private MemoryUse(Map<String, Long> freeBefore) {
    this.freeBefore = freeBefore;
  }

  /** Call this before anything is loaded onto the device. */
  static MemoryUse now(String device) {
    var free = new TreeMap<String, Long>();
    if (!device.startsWith("cpu")) {
      for (var info : Device.list()) {
        if (info.kind() == DeviceInfo.Kind.GPU) {
          free.put(info.name(), info.freeMemory());
        }
      }
    }
    return new MemoryUse(free);
  }

  /** Bytes; 0 if unknown. */
  long of(Speed speed, Device device) {
    var before = freeBefore.get(device.name());
    return before != null ? Math.max(0, before - speed.freeMemory()) : peak();
  }

  /** Peak memory of this process; known on Linux only. */
  private static long peak() {
    try {
      return Files.exists(STATUS)
          ? Files.readAllLines(STATUS).stream()
              .filter(line -> line.startsWith(PEAK))
              .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")) * 1024)
              .findFirst()
              .orElse(0)
          : 0;
    } catch (IOException e) {
      return 0;
    }
  }
}
