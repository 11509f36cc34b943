package io.github.ggml4j.tensor.internal;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Trees of files as different kernels and containers show them. */
class LinuxMemoryTest {
  private static final long KIB = 1024;
  private static final long MIB = 1024 * KIB;
  private static final long GIB = 1024 * MIB;
  private static final String MEMINFO =
      """
      MemTotal:       16777216 kB
      MemFree:         1048576 kB
      MemAvailable:    8388608 kB
      Buffers:          102400 kB
      Cached:          4194304 kB
      SwapFree:       33554432 kB
      HugePages_Total:       0
      """;
  private static final String V2_MOUNT =
      "35 24 0:30 %s /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";
  private static final String V1_MOUNTS =
      """
      31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755
      32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu
      35 31 0:32 %s /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
      """;

  @TempDir private Path root;

  private void write(String file, String text) throws IOException {
    var path = root.resolve(file);
    Files.createDirectories(path.getParent());
    Files.writeString(path, text);
  }

  private void unified(String folder, String max, long current, long inactiveFile)
      throws IOException {
    write("sys/fs/cgroup" + folder + "/memory.max", max + "\n");
    write("sys/fs/cgroup" + folder + "/memory.current", current + "\n");
    write(
        "sys/fs/cgroup" + folder + "/memory.stat",
        "anon 5\nfile 99\ninactive_anon 7\ninactive_file " + inactiveFile + "\n");
  }

  private void version1(String folder, String limit, long usage, long inactiveFile)
      throws IOException {
    write("sys/fs/cgroup/memory" + folder + "/memory.limit_in_bytes", limit + "\n");
    write("sys/fs/cgroup/memory" + folder + "/memory.usage_in_bytes", usage + "\n");
    write(
        "sys/fs/cgroup/memory" + folder + "/memory.stat",
        "inactive_file 1\ntotal_inactive_file " + inactiveFile + "\n");
  }

  private void expect(long total, long available, @Nullable String limit) {
    expect(0, total, available, limit);
  }

  private void expect(long untouched, long total, long available, @Nullable String limit) {
    assertThat(new LinuxMemory(root).read(untouched))
        .isEqualTo(new HostMemory(total, available, limit));
  }

  @Test
  void theMachineAlone() throws IOException {
    write("proc/meminfo", MEMINFO);
    expect(16 * GIB, 8 * GIB, null);
    expect(3 * GIB, 16 * GIB, 5 * GIB, null);
    expect(30 * GIB, 16 * GIB, 0, null);
  }

  @Test
  void kernelsThatDoNotSayWhatIsAvailable() throws IOException {
    write("proc/meminfo", MEMINFO.replaceAll("MemAvailable.*\n", ""));
    expect(16 * GIB, 5 * GIB + 100 * MIB, null);
  }

  @Test
  void noProc() {
    assertThat(new LinuxMemory(root).read(0)).isNull();
  }

  @Test
  void cgroupVersion2() throws IOException {
    write("proc/meminfo", MEMINFO);
    write("proc/self/cgroup", "0::/system.slice/run.scope\n");
    write("proc/self/mountinfo", V2_MOUNT.formatted("/"));
    unified("/system.slice/run.scope", String.valueOf(2 * GIB), 1536 * MIB, 256 * MIB);
    expect(2 * GIB, 768 * MIB, "the cgroup's memory.max");
    expect(256 * MIB, 2 * GIB, 512 * MIB, "the cgroup's memory.max");
  }

  @Test
  void cgroupVersion2WithoutALimit() throws IOException {
    write("proc/meminfo", MEMINFO);
    write("proc/self/cgroup", "0::/a\n");
    write("proc/self/mountinfo", V2_MOUNT.formatted("/"));
    unified("/a", "max", 3 * GIB, 0);
    expect(16 * GIB, 8 * GIB, null);
  }

  @Test
  void theLimitOfAParentHolds() throws IOException {
    write("proc/meminfo", MEMINFO);
    write("proc/self/cgroup", "0::/pod/container\n");
    write("proc/self/mountinfo", V2_MOUNT.formatted("/"));
    unified("/pod/container", String.valueOf(4 * GIB), GIB, 0);
    unified("/pod", String.valueOf(5 * GIB), 4 * GIB, 0);
    expect(4 * GIB, GIB, "the cgroup's memory.max");
  }

  @Test
  void memoryHighThrottles() throws IOException {
    write("proc/meminfo", MEMINFO);
    write("proc/self/cgroup", "0::/a\n");
    write("proc/self/mountinfo", V2_MOUNT.formatted("/"));
    unified("/a", "max", GIB, 0);
    write("sys/fs/cgroup/a/memory.high", 3 * GIB + "\n");
    expect(3 * GIB, 2 * GIB, "the cgroup's memory.high");
  }

  @Test
  void cgroupVersion1() throws IOException {
    write("proc/meminfo", MEMINFO);
    write("proc/self/cgroup", "5:cpu,cpuacct:/x\n4:memory:/user/1000\n0::/\n");
    write("proc/self/mountinfo", V1_MOUNTS.formatted("/"));
    version1("/user/1000", String.valueOf(3 * GIB), 2 * GIB, 512 * MIB);
    version1("", "9223372036854771712", 9 * GIB, 0);
    expect(3 * GIB, 1536 * MIB, "the cgroup's memory.limit_in_bytes");
  }

  @Test
  void aContainerThatSeesItsHostsPath() throws IOException {
    write("proc/meminfo", MEMINFO);
    write("proc/self/cgroup", "4:memory:/docker/3f2a\n");
    write("proc/self/mountinfo", V1_MOUNTS.formatted("/docker/3f2a"));
    version1("", String.valueOf(GIB), 100 * MIB, 0);
    expect(GIB, GIB - 100 * MIB, "the cgroup's memory.limit_in_bytes");
    write("proc/self/mountinfo", V1_MOUNTS.formatted("/kubepods/9c"));
    expect(GIB, GIB - 100 * MIB, "the cgroup's memory.limit_in_bytes");
  }

  @Test
  void aCgroupAboveTheRootOfItsNamespace() throws IOException {
    write("proc/meminfo", MEMINFO);
    write("proc/self/cgroup", "0::/../other\n");
    write("proc/self/mountinfo", V2_MOUNT.formatted("/"));
    unified("", String.valueOf(GIB), 0, 0);
    expect(GIB, GIB, "the cgroup's memory.max");
  }

  @Test
  void resourceLimits() throws IOException {
    write("proc/meminfo", MEMINFO);
    write("proc/self/status", "Name:\tjava\nVmSize:\t 5242880 kB\nVmData:\t 1048576 kB\n");
    var limits =
        """
        Limit                     Soft Limit           Hard Limit           Units
        Max cpu time              unlimited            unlimited            seconds
        Max data size             unlimited            unlimited            bytes
        Max address space         6442450944           unlimited            bytes
        """;
    write("proc/self/limits", limits);
    expect(6 * GIB, GIB, "ulimit -v");
    // What was not written yet takes address space already.
    expect(2 * GIB, 6 * GIB, GIB, "ulimit -v");
    write(
        "proc/self/limits",
        limits
            .replace("Max data size             unlimited ", "Max data size             2147483648")
            .replace("6442450944", "unlimited "));
    expect(2 * GIB, GIB, "ulimit -d");
  }
}
