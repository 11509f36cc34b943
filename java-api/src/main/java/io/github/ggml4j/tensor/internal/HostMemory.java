package io.github.ggml4j.tensor.internal;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * The machine's memory, as far as this process may use it. Swap is not counted, because a model
 * that is swapped in for every token is too slow to use.
 *
 * @param totalBytes all memory, or the smallest limit on it
 * @param availableBytes bytes that can still be allocated and written without swapping, and without
 *     the system killing this process
 * @param limit the limit that determines {@code availableBytes}, such as {@code ulimit -v}; null if
 *     it is the machine's memory itself
 */
public record HostMemory(long totalBytes, long availableBytes, @Nullable String limit) {
  public HostMemory {
    availableBytes = Math.clamp(availableBytes, 0, Math.max(0, totalBytes));
  }

  /**
   * The memory now.
   *
   * @param otherwise returned if the system does not report its available memory
   */
  public static HostMemory now(HostMemory otherwise) {
    var system = System.getProperty("os.name").toLowerCase(Locale.ROOT);
    if (system.startsWith("windows")) {
      return WindowsMemory.now();
    }
    if (system.startsWith("mac")) {
      return MacMemory.now(otherwise.totalBytes()).less(HostBuffers.untouchedBytes());
    }
    var linux = LinuxMemory.now(HostBuffers.untouchedBytes());
    return linux == null ? otherwise : linux;
  }

  /** The same with fewer available bytes. */
  HostMemory less(long bytes) {
    return new HostMemory(totalBytes, availableBytes - bytes, limit);
  }

  /** The smaller total and the smaller available memory of both. */
  HostMemory within(HostMemory other) {
    boolean tighter = other.availableBytes < availableBytes;
    return new HostMemory(
        Math.min(totalBytes, other.totalBytes),
        tighter ? other.availableBytes : availableBytes,
        tighter ? other.limit : limit);
  }
}
