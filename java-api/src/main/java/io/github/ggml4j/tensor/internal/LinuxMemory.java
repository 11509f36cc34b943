package io.github.ggml4j.tensor.internal;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Reads Linux's information about memory: {@code MemAvailable} of the machine, the limits of this
 * process's cgroup and of all cgroups above it (version 1 and 2), and the resource limits {@code
 * RLIMIT_AS} and {@code RLIMIT_DATA}.
 *
 * <p>Sources: {@code proc(5)}, the kernel's {@code admin-guide/cgroup-v1/memory.rst} and {@code
 * admin-guide/cgroup-v2.rst}. A missing file means that there is no limit.
 */
final class LinuxMemory {
  private static final Pattern FIELD = Pattern.compile("(\\S+?):?\\s+(\\d+)(?:\\s+kB)?\\s*");
  private static final Pattern OCTAL = Pattern.compile("\\\\([0-7]{3})");

  /** The columns of {@code /proc/self/mountinfo} before its optional ones. */
  private static final int ROOT_COLUMN = 3;

  private static final int MOUNT_POINT_COLUMN = 4;

  private final Path root;

  /**
   * A reader.
   *
   * @param root the root of the file system; tests have one of their own
   */
  LinuxMemory(Path root) {
    this.root = root;
  }

  /** The memory now; null if this system has no {@code /proc/meminfo}. */
  static @Nullable HostMemory now(long untouchedBytes) {
    return new LinuxMemory(Path.of("/")).read(untouchedBytes);
  }

  /**
   * The memory now.
   *
   * @param untouchedBytes memory of this process that was allocated and not written yet. Limits of
   *     address space count it as used; {@code MemAvailable} and cgroups do not
   */
  @Nullable HostMemory read(long untouchedBytes) {
    var meminfo = kilobytes("proc/meminfo");
    var total = meminfo.get("MemTotal");
    if (total == null) {
      return null;
    }
    var memory = new HostMemory(total, available(meminfo, total), null);
    for (var cgroup : cgroups()) {
      memory = cgroup.within(memory);
    }
    memory = memory.less(untouchedBytes);
    var status = kilobytes("proc/self/status");
    memory = within(memory, "Max address space", status.get("VmSize"), "ulimit -v");
    return within(memory, "Max data size", status.get("VmData"), "ulimit -d");
  }

  /** Falls back to free, buffers and cached: kernels before 3.14 lack MemAvailable. */
  private static long available(Map<String, Long> meminfo, long total) {
    var available = meminfo.get("MemAvailable");
    if (available != null) {
      return available;
    }
    return meminfo.containsKey("MemFree")
        ? meminfo.getOrDefault("MemFree", 0L)
            + meminfo.getOrDefault("Buffers", 0L)
            + meminfo.getOrDefault("Cached", 0L)
        : total;
  }

  // --- resource limits

  private HostMemory within(HostMemory memory, String name, @Nullable Long used, String command) {
    for (var line : lines("proc/self/limits")) {
      if (line.startsWith(name) && used != null) {
        var soft = number(line.substring(name.length()).strip().split("\\s+", 2)[0]);
        if (soft != null) {
          return memory.within(new HostMemory(soft, soft - used, command));
        }
      }
    }
    return memory;
  }

  // --- cgroups

  /** A cgroup that may limit memory. */
  private final class Cgroup {
    private final Path folder;
    private final boolean unified;

    Cgroup(Path folder, boolean unified) {
      this.folder = folder;
      this.unified = unified;
    }

    HostMemory within(HostMemory memory) {
      return unified
          ? limited(
              limited(memory, "memory.max", "memory.current", "inactive_file"),
              "memory.high",
              "memory.current",
              "inactive_file")
          : limited(
              memory, "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file");
    }

    private HostMemory limited(HostMemory memory, String max, String current, String cache) {
      var limit = value(max);
      var used = value(current);
      if (limit == null || used == null) {
        return memory;
      }
      // The kernel discards cached file contents before it kills a process.
      long cached = bytes(folder.resolve("memory.stat").toString()).getOrDefault(cache, 0L);
      return memory.within(
          new HostMemory(limit, limit - used + Math.min(cached, used), "the cgroup's " + max));
    }

    private @Nullable Long value(String file) {
      var lines = lines(folder.resolve(file).toString());
      return lines.isEmpty() ? null : number(lines.getFirst().strip());
    }
  }

  /** The cgroups of this process whose limits hold for it, from its own to the mounted root. */
  private List<Cgroup> cgroups() {
    var result = new ArrayList<Cgroup>();
    for (var line : lines("proc/self/cgroup")) {
      // hierarchy:controllers:path
      var parts = line.split(":", 3);
      if (parts.length == 3) {
        boolean unified = parts[1].isEmpty();
        if (unified || List.of(parts[1].split(",", -1)).contains("memory")) {
          addWithParents(result, parts[2], unified);
        }
      }
    }
    return result;
  }

  private void addWithParents(List<Cgroup> result, String cgroup, boolean unified) {
    for (var line : lines("proc/self/mountinfo")) {
      int separator = line.indexOf(" - ");
      if (separator < 0) {
        continue;
      }
      var columns = line.substring(0, separator).split(" ", -1);
      var fileSystem = line.substring(separator + 3).split(" ", -1);
      boolean wanted =
          unified
              ? fileSystem[0].equals("cgroup2")
              : fileSystem[0].equals("cgroup")
                  && List.of(fileSystem[fileSystem.length - 1].split(",", -1)).contains("memory");
      if (!wanted || columns.length <= MOUNT_POINT_COLUMN) {
        continue;
      }
      var mountRoot = Path.of(unescaped(columns[ROOT_COLUMN]));
      var mountPoint = Path.of(unescaped(columns[MOUNT_POINT_COLUMN]));
      var path = Path.of(cgroup).normalize();
      // In a container this may be the path on the host, which is not below the mounted folder.
      var folder =
          path.startsWith(mountRoot)
              ? mountPoint.resolve(mountRoot.relativize(path)).normalize()
              : mountPoint;
      for (var at = folder; at != null && at.startsWith(mountPoint); at = at.getParent()) {
        result.add(new Cgroup(at, unified));
      }
      return;
    }
  }

  private static String unescaped(String text) {
    return OCTAL
        .matcher(text)
        .replaceAll(match -> String.valueOf((char) Integer.parseInt(match.group(1), 8)));
  }

  // --- files

  /** Fields such as {@code MemTotal: 24684084 kB}, in bytes. */
  private Map<String, Long> kilobytes(String file) {
    var fields = bytes(file);
    fields.replaceAll((_, value) -> value * 1024);
    return fields;
  }

  private Map<String, Long> bytes(String file) {
    var fields = new HashMap<String, Long>();
    for (var line : lines(file)) {
      var matcher = FIELD.matcher(line);
      if (matcher.matches()) {
        var value = number(matcher.group(2));
        if (value != null) {
          fields.put(matcher.group(1), value);
        }
      }
    }
    return fields;
  }

  private List<String> lines(String file) {
    var path = root.resolve(file.startsWith("/") ? file.substring(1) : file);
    try {
      return Files.isReadable(path) ? Files.readAllLines(path) : List.of();
    } catch (IOException e) {
      return List.of(); // the cgroup was removed: no limit
    }
  }

  /** Null for words such as {@code max} and {@code unlimited}. */
  private static @Nullable Long number(String text) {
    try {
      return Long.valueOf(text);
    } catch (NumberFormatException e) {
      return null;
    }
  }
}
