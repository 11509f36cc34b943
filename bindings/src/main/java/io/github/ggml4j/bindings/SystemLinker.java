package io.github.ggml4j.bindings;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.util.Optional;

/**
 * The dynamic linker of Linux. Used because {@link SymbolLookup} does not report why a library
 * cannot be opened or where it was found.
 */
final class SystemLinker {
  private static final int RTLD_NOW = 2;
  private static final int RTLD_DI_LINKMAP = 2;

  private final MethodHandle open =
      handle("dlopen", FunctionDescriptor.of(ADDRESS, ADDRESS, JAVA_INT));
  private final MethodHandle close = handle("dlclose", FunctionDescriptor.of(JAVA_INT, ADDRESS));
  private final MethodHandle error = handle("dlerror", FunctionDescriptor.of(ADDRESS));
  private final MethodHandle symbol =
      handle("dlsym", FunctionDescriptor.of(ADDRESS, ADDRESS, ADDRESS));
  private final MethodHandle info =
      handle("dlinfo", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT, ADDRESS));

  /** An open library, or the linker's error message. */
  record Opened(MemorySegment handle, String problem) {
    boolean failed() {
      return handle.equals(MemorySegment.NULL);
    }
  }

  private static MethodHandle handle(String name, FunctionDescriptor type) {
    Linker linker = Linker.nativeLinker();
    return linker.downcallHandle(
        linker
            .defaultLookup()
            .find(name)
            .orElseThrow(() -> new NativeLibraryException("The C library has no " + name)),
        type);
  }

  /**
   * Opens a library, or increments its reference count if it is open already.
   *
   * @param name a path, or a name that the linker searches for
   */
  Opened open(String name) {
    try (Arena arena = Arena.ofConfined()) {
      var handle = (MemorySegment) open.invokeExact(arena.allocateFrom(name), RTLD_NOW);
      if (!handle.equals(MemorySegment.NULL)) {
        return new Opened(handle, "");
      }
      var words = (MemorySegment) error.invokeExact();
      return new Opened(
          handle,
          words.equals(MemorySegment.NULL)
              ? name + ": no error message"
              : words.reinterpret(Long.MAX_VALUE).getString(0));
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  /** Decrements the reference count of an open library. */
  void close(MemorySegment handle) {
    try {
      int ignored = (int) close.invokeExact(handle);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  Optional<MemorySegment> find(MemorySegment handle, String name) {
    try (Arena arena = Arena.ofConfined()) {
      var address = (MemorySegment) symbol.invokeExact(handle, arena.allocateFrom(name));
      return address.equals(MemorySegment.NULL) ? Optional.empty() : Optional.of(address);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  /** The path of an open library; empty if the linker does not report it. */
  String file(MemorySegment handle) {
    try (Arena arena = Arena.ofConfined()) {
      var pointer = arena.allocate(ADDRESS);
      int failed = (int) info.invokeExact(handle, RTLD_DI_LINKMAP, pointer);
      if (failed != 0) {
        return "";
      }
      // struct link_map { ElfW(Addr) l_addr; char *l_name; ... }
      var map = pointer.get(ADDRESS, 0).reinterpret(2 * ADDRESS.byteSize());
      return map.get(ADDRESS, ADDRESS.byteSize()).reinterpret(Long.MAX_VALUE).getString(0);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  static RuntimeException unexpected(Throwable e) {
    if (e instanceof Error error) {
      throw error;
    }
    return e instanceof RuntimeException runtime
        ? runtime
        : new IllegalStateException("a native call throws nothing", e);
  }
}
