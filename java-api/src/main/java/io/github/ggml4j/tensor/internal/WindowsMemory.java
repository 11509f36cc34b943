package io.github.ggml4j.tensor.internal;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;

/**
 * Reads Windows's information about memory with {@code GlobalMemoryStatusEx}. Windows reserves
 * memory when it is allocated, so memory that was not written yet is already counted as used.
 */
final class WindowsMemory {
  /** {@code MEMORYSTATUSEX}: two DWORDs, then seven DWORDLONGs. */
  static final long STATUS_BYTES = 64;

  private static final long TOTAL_PHYSICAL = 8;
  private static final long AVAILABLE_PHYSICAL = 16;
  private static final long AVAILABLE_PAGE_FILE = 32;
  private static final long AVAILABLE_VIRTUAL = 48;

  private WindowsMemory() {}

  static HostMemory now() {
    try (var arena = Arena.ofConfined()) {
      var handle =
          Linker.nativeLinker()
              .downcallHandle(
                  SymbolLookup.libraryLookup("kernel32", arena)
                      .find("GlobalMemoryStatusEx")
                      .orElseThrow(),
                  FunctionDescriptor.of(JAVA_INT, ADDRESS));
      var status = arena.allocate(STATUS_BYTES, 8);
      status.set(JAVA_INT, 0, (int) STATUS_BYTES);
      int done;
      try {
        done = (int) handle.invokeExact(status);
      } catch (Throwable e) {
        throw new AssertionError(e); // C functions throw nothing
      }
      if (done == 0) {
        throw new IllegalStateException("Windows did not report its available memory");
      }
      return parse(status);
    }
  }

  static HostMemory parse(MemorySegment status) {
    long total = status.get(JAVA_LONG, TOTAL_PHYSICAL);
    var physical = new HostMemory(total, status.get(JAVA_LONG, AVAILABLE_PHYSICAL), null);
    long commit = status.get(JAVA_LONG, AVAILABLE_PAGE_FILE);
    long virtual = status.get(JAVA_LONG, AVAILABLE_VIRTUAL);
    return physical
        .within(new HostMemory(total, Math.min(commit, total), "the commit limit of Windows"))
        .within(new HostMemory(total, Math.min(virtual, total), "the address space"));
  }
}
