package io.github.ggml4j.bindings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PlatformTest {
  @ParameterizedTest
  @CsvSource({
    "Linux, amd64, linux-x86_64, libggml.so, libggml-cpu.so",
    "Linux, aarch64, linux-aarch64, libggml.so, libggml-cpu.so",
    "Mac OS X, aarch64, macos-arm64, libggml.dylib, libggml-cpu.so",
    "Windows 11, amd64, windows-x86_64, ggml.dll, ggml-cpu.dll"
  })
  void knowsTheNamesOfEachPlatform(
      String os, String arch, String name, String library, String backend) {
    Platform platform = Platform.of(os, arch);
    assertThat(platform).hasToString(name);
    assertThat(platform.fileName("ggml")).isEqualTo(library);
    assertThat(platform.backendFileName("ggml-cpu")).isEqualTo(backend);
  }

  @ParameterizedTest
  @CsvSource({"Linux, ppc64le", "Linux, x86", "SunOS, amd64"})
  void errorListsThePlatforms(String os, String arch) {
    assertThatThrownBy(() -> Platform.of(os, arch))
        .isInstanceOf(NativeLibraryException.class)
        .hasMessageContainingAll(os, arch, "aarch64");
  }

  @Test
  void detectsThisMachine() {
    assertThat(Platform.current().toString())
        .matches("(linux|macos|windows)-(x86_64|aarch64|arm64)");
  }
}
