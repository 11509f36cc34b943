package io.github.ggml4j.bindings;

import java.util.Locale;

/**
 * The operating system and CPU that natives are built for.
 *
 * @param os linux, macos or windows
 * @param cpu x86_64, aarch64 or (macOS) arm64
 */
record Platform(String os, String cpu) {

  static Platform current() {
    return of(System.getProperty("os.name"), System.getProperty("os.arch"));
  }

  static Platform of(String osName, String osArch) {
    String name = osName.toLowerCase(Locale.ROOT);
    String os =
        name.startsWith("linux")
            ? "linux"
            : name.startsWith("mac") ? "macos" : name.startsWith("windows") ? "windows" : null;
    String cpu =
        switch (osArch.toLowerCase(Locale.ROOT)) {
          case "amd64", "x86_64" -> "x86_64";
          case "aarch64", "arm64" -> "macos".equals(os) ? "arm64" : "aarch64";
          default -> null;
        };
    if (os == null || cpu == null) {
      throw new NativeLibraryException(
          "ggml4j has no native libraries for %s on %s; it runs on Linux (x86_64, aarch64), macOS (arm64) and Windows (x86_64), 64 bits"
              .formatted(osName, osArch));
    }
    return new Platform(os, cpu);
  }

  /** The file name of a library: {@code libggml-base.so} for {@code ggml-base} on Linux. */
  String fileName(String library) {
    return switch (os) {
      case "windows" -> library + ".dll";
      case "macos" -> "lib" + library + ".dylib";
      default -> "lib" + library + ".so";
    };
  }

  /** The file name of a backend. ggml builds backends as modules: {@code .so} on macOS too. */
  String backendFileName(String library) {
    return os.equals("macos") ? "lib" + library + ".so" : fileName(library);
  }

  @Override
  public String toString() {
    return os + "-" + cpu;
  }
}
