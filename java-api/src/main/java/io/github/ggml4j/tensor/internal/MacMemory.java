package io.github.ggml4j.tensor.internal;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;

/**
 * Reads macOS's information about memory with {@code host_statistics64}: free pages, and inactive
 * pages, which the system discards or compresses if memory is requested.
 */
final class MacMemory {
  private static final int HOST_VM_INFO64 = 4;

  /** {@code HOST_VM_INFO64_COUNT}: {@code struct vm_statistics64} in words of 4 bytes. */
  static final int STATISTICS_WORDS = 38;

  private static final long FREE_COUNT = 0;
  private static final long INACTIVE_COUNT = 8;

  private MacMemory() {}

  /**
   * The memory now.
   *
   * @param totalBytes of the machine
   */
  static HostMemory now(long totalBytes) {
    try (var arena = Arena.ofConfined()) {
      var statistics = arena.allocate(4L * STATISTICS_WORDS, 8);
      var count = arena.allocateFrom(JAVA_INT, STATISTICS_WORDS);
      int status;
      long pageSize;
      try {
        int host = (int) function("mach_host_self", JAVA_INT).invokeExact();
        pageSize = (int) function("getpagesize", JAVA_INT).invokeExact();
        status =
            (int)
                function("host_statistics64", JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, ADDRESS)
                    .invokeExact(host, HOST_VM_INFO64, statistics, count);
      } catch (Throwable e) {
        throw new AssertionError(e); // C functions throw nothing
      }
      if (status != 0) {
        throw new IllegalStateException(
            "macOS did not report its available memory: host_statistics64 returned " + status);
      }
      return parse(statistics, pageSize, totalBytes);
    }
  }

  private static java.lang.invoke.MethodHandle function(
      String name, MemoryLayout result, MemoryLayout... arguments) {
    var linker = Linker.nativeLinker();
    return linker.downcallHandle(
        linker.defaultLookup().find(name).orElseThrow(), FunctionDescriptor.of(result, arguments));
  }

  static HostMemory parse(MemorySegment statistics, long pageSize, long totalBytes) {
    long pages =
        Integer.toUnsignedLong(statistics.get(JAVA_INT, FREE_COUNT))
            + Integer.toUnsignedLong(statistics.get(JAVA_INT, INACTIVE_COUNT));
    return new HostMemory(totalBytes, pages * pageSize, null);
  }
}
