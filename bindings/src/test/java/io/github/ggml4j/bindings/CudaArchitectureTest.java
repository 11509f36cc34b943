package io.github.ggml4j.bindings;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CudaArchitectureTest {
  @ParameterizedTest
  @CsvSource({
    "90-real, 9, 0, true",
    "90-real, 8, 9, false",
    "90-real, 10, 0, false", // machine code stays within a major version
    "80-real, 8, 6, true",
    "86-real, 8, 0, false",
    "80-virtual, 12, 0, true", // the driver translates it
    "80-virtual, 7, 5, false",
    "90, 10, 0, true",
    "120a-real, 12, 0, true",
    "120a-real, 12, 1, false",
    "'75-real;80-real,90-real', 8, 9, true",
    "'75-real;80-real,90-real', 9, 0, true",
    "'75-real;80-real,90-real', 10, 0, false"
  })
  void runsOnGpusOfTheArchitectures(String built, int major, int minor, boolean runs) {
    assertThat(
            CudaArchitecture.parse(built).stream()
                .anyMatch(architecture -> architecture.runsOn(major, minor)))
        .isEqualTo(runs);
  }

  @ParameterizedTest
  @CsvSource({"'75-real,90', '7.5, 9.0 and newer'", "120a-real, 12.0", "'native', ''", "'', ''"})
  void describesArchitectures(String built, String description) {
    assertThat(CudaArchitecture.describe(CudaArchitecture.parse(built))).isEqualTo(description);
  }
}
