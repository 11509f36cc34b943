package io.github.ggml4j.tensor.internal;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Buffers of tensors in the machine's memory. Linux and macOS assign memory to a page when it is
 * first written, and report that memory as available until then. So it is counted here.
 * Thread-safe.
 */
public final class HostBuffers {
  /** Bytes of each buffer by its address. */
  private static final Map<Long, Long> BUFFERS = new ConcurrentHashMap<>();

  /** Number of pages of one call of mincore. */
  private static final int PAGES = 1 << 16;

  private HostBuffers() {}

  /** A buffer was allocated. */
  public static void add(MemorySegment start, long bytes) {
    if (bytes > 0) {
      BUFFERS.put(start.address(), bytes);
    }
  }

  /** A buffer is about to be freed. */
  public static void remove(MemorySegment start) {
    BUFFERS.remove(start.address());
  }

  /** Bytes of all buffers whose pages were not written yet. */
  public static long untouchedBytes() {
    if (BUFFERS.isEmpty()) {
      return 0;
    }
    try (var arena = Arena.ofConfined()) {
      var resident = arena.allocate(PAGES);
      long bytes = 0;
      for (var buffer : BUFFERS.entrySet()) {
        bytes += Pages.missing(buffer.getKey(), buffer.getValue(), resident);
      }
      return bytes;
    }
  }

  /** {@code mincore(2)}; a class of its own, since Windows does not have it. */
  private static final class Pages {
    private static final Linker LINKER = Linker.nativeLinker();
    private static final MethodHandle MINCORE =
        LINKER.downcallHandle(
            LINKER.defaultLookup().find("mincore").orElseThrow(),
            FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG, ADDRESS));
    private static final long SIZE = size();

    private static long size() {
      var getpagesize =
          LINKER.downcallHandle(
              LINKER.defaultLookup().find("getpagesize").orElseThrow(),
              FunctionDescriptor.of(JAVA_INT));
      try {
        return (int) getpagesize.invokeExact();
      } catch (Throwable e) {
        throw new AssertionError(e); // C functions throw nothing
      }
    }

    static long missing(long start, long bytes, MemorySegment resident) {
      long first = start / SIZE * SIZE;
      long count = (start + bytes - first + SIZE - 1) / SIZE;
      long missing = 0;
      for (long at = 0; at < count; at += PAGES) {
        long pages = Math.min(PAGES, count - at);
        if (mincore(first + at * SIZE, pages * SIZE, resident) != 0) {
          continue; // freed meanwhile
        }
        for (long i = 0; i < pages; i++) {
          missing += 1 - (resident.get(JAVA_BYTE, i) & 1);
        }
      }
      return missing * SIZE;
    }

    private static int mincore(long start, long bytes, MemorySegment resident) {
      try {
        return (int) MINCORE.invokeExact(start, bytes, resident);
      } catch (Throwable e) {
        throw new AssertionError(e); // C functions throw nothing
      }
    }
  }
}
