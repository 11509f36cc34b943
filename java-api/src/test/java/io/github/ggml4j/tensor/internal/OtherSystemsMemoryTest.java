package io.github.ggml4j.tensor.internal;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import org.junit.jupiter.api.Test;

/** The structs that Windows and macOS fill. */
class OtherSystemsMemoryTest {
  private static final long GIB = 1L << 30;

  @Test
  void windows() {
    try (var arena = Arena.ofConfined()) {
      var status = arena.allocate(WindowsMemory.STATUS_BYTES, 8);
      // total and free memory, then page file, then address space
      long[] values = {16 * GIB, 9 * GIB, 20 * GIB, 12 * GIB, 1L << 47, 1L << 46, 0};
      for (int i = 0; i < values.length; i++) {
        status.set(JAVA_LONG, 8L + 8L * i, values[i]);
      }
      assertThat(WindowsMemory.parse(status)).isEqualTo(new HostMemory(16 * GIB, 9 * GIB, null));
      status.set(JAVA_LONG, 32, 2 * GIB);
      assertThat(WindowsMemory.parse(status))
          .isEqualTo(new HostMemory(16 * GIB, 2 * GIB, "the commit limit of Windows"));
    }
  }

  @Test
  void mac() {
    try (var arena = Arena.ofConfined()) {
      var statistics = arena.allocate(4L * MacMemory.STATISTICS_WORDS, 8);
      statistics.set(JAVA_INT, 0, 1000); // free
      statistics.set(JAVA_INT, 4, 90_000); // active
      statistics.set(JAVA_INT, 8, 500); // inactive
      assertThat(MacMemory.parse(statistics, 16384, 8 * GIB))
          .isEqualTo(new HostMemory(8 * GIB, 1500 * 16384, null));
    }
  }
}
