package io.github.ggml4j.tensor.internal;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * The machine's memory as this process may use it. Swap is not counted: a model that is swapped out
 * for every token is of no use.
 *
 * @param totalBytes all memory, or the smallest limit on it
 * @param availableBytes what can still be allocated and written without swapping and without the
 *     system ending this process
 * @param limit the limit that {@code availableBytes} comes from, such as {@code ulimit -v}; null if
 *     it is the machine's memory itself
 */
public record HostMemory(long totalBytes, long availableBytes, @Nullable String limit) {
  public HostMemory {
    availableBytes = Math.clamp(availableBytes, 0, Math.max(0, totalBytes));
  }

  /**
   * The memory now.
   *
   * @param otherwise returned on a system that does not say how much is available
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

  /** With so many bytes less available. */
  HostMemory less(long bytes) {
    return new HostMemory(totalBytes, availableBytes - bytes, limit);
  }

  /** The smaller one of both in each respect. */
  HostMemory within(HostMemory other) {
    boolean tighter = other.availableBytes < availableBytes;
    return new HostMemory(
        Math.min(totalBytes, other.totalBytes),
        tighter ? other.availableBytes : availableBytes,
        tighter ? other.limit : limit);
  }
}
