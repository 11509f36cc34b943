package io.github.ggml4j.bindings;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Environment variables that OpenBLAS reads while it is loaded. They are set during that time only.
 *
 * <p>OpenBLAS is called on ggml's threads, so it starts no threads of its own. It chooses its
 * kernels by the CPU or {@code OPENBLAS_CORETYPE}, as documented by OpenBLAS.
 */
final class OpenBlasSettings implements AutoCloseable {
  private static final String THREADS = "OPENBLAS_NUM_THREADS";

  private final Map<String, @Nullable String> before = new LinkedHashMap<>();

  private OpenBlasSettings() {}

  static OpenBlasSettings apply(Platform platform) {
    OpenBlasSettings settings = new OpenBlasSettings();
    if (!platform
        .os()
        .equals(
            "windows")) { // the C library of Windows copies the environment when the process starts
      settings.set(THREADS, "1");
    }
    return settings;
  }

  private void set(String name, String value) {
    before.put(name, System.getenv(name));
    change(name, value);
  }

  @Override
  public void close() {
    before.forEach(OpenBlasSettings::change);
  }

  private static void change(String name, @Nullable String value) {
    Linker linker = Linker.nativeLinker();
    try (Arena arena = Arena.ofConfined()) {
      if (value == null) {
        int failed = (int) unset(linker).invokeExact(arena.allocateFrom(name));
        check(failed, name);
      } else {
        int failed =
            (int) set(linker).invokeExact(arena.allocateFrom(name), arena.allocateFrom(value), 1);
        check(failed, name);
      }
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new AssertionError("setenv throws nothing", e);
    }
  }

  private static void check(int failed, String name) {
    if (failed != 0) {
      throw new NativeLibraryException("The C library cannot set the environment variable " + name);
    }
  }

  private static MethodHandle set(Linker linker) {
    return linker.downcallHandle(
        symbol(linker, "setenv"),
        FunctionDescriptor.of(
            ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.ADDRESS, ValueLayout.JAVA_INT));
  }

  private static MethodHandle unset(Linker linker) {
    return linker.downcallHandle(
        symbol(linker, "unsetenv"),
        FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS));
  }

  private static MemorySegment symbol(Linker linker, String name) {
    return linker
        .defaultLookup()
        .find(name)
        .orElseThrow(() -> new NativeLibraryException("The C library has no " + name));
  }
}
