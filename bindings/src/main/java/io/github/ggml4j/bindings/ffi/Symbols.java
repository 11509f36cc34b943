package io.github.ggml4j.bindings.ffi;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import org.jspecify.annotations.Nullable;

/** Finds the symbols of the generated code in the libraries that the loader has loaded. */
public final class Symbols {
  private static volatile @Nullable SymbolLookup lookup;

  private Symbols() {}

  /** Called by the loader before any generated method is called. */
  public static void use(SymbolLookup loaded) {
    lookup = loaded;
  }

  static MemorySegment find(String name) {
    SymbolLookup loaded = lookup;
    if (loaded == null) {
      throw new IllegalStateException(
          "The native libraries are not loaded: call NativeLibrary.load() before " + name);
    }
    return loaded
        .find(name)
        .orElseThrow(() ->
            new UnsatisfiedLinkError(
                "The loaded native libraries have no symbol "
                    + name
                    + ": they are of another version than this program; build them again"));
  }
}
