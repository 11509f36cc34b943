package io.github.ggml4j.bindings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.ggml4j.bindings.BackendUnavailableException.Reason;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Errors of CUDA become exceptions with reasons. Uses fake libraries of a few lines of C. */
class CudaRuntimeTest {
  private static final Map<String, String> MANIFEST =
      Map.of("cuda", "13.0", "cuda.architectures", "80-real,90-real");

  private static final String SOURCE =
      """
      #include <string.h>
      #ifndef DRIVER
      #define DRIVER 13000
      #endif
      #ifndef COUNT_STATUS
      #define COUNT_STATUS 0
      #endif
      #ifndef COUNT
      #define COUNT 1
      #endif
      #ifndef SET_STATUS
      #define SET_STATUS 0
      #endif
      #ifndef LOST
      #define LOST -1
      #endif
      #ifndef MUTE
      #define MUTE -1
      #endif
      #ifndef MAJOR
      #define MAJOR 9
      #endif
      static int current;
      int cudaGetDeviceCount(int *count) { *count = COUNT; return COUNT_STATUS; }
      int cudaDriverGetVersion(int *version) { *version = DRIVER; return 0; }
      int cudaRuntimeGetVersion(int *version) { *version = 13000; return 0; }
      int cudaGetDevice(int *device) { *device = current; return 0; }
      int cudaSetDevice(int device) { current = device; return SET_STATUS; }
      int cudaFree(void *memory) { return memory != 0; }
      int cudaGetLastError(void) { return 0; }
      int cudaDeviceGetAttribute(int *value, int attribute, int device) {
        *value = attribute == 75 ? MAJOR : 0;
        return attribute == 95 && device == MUTE ? 999 : 0;
      }
      int cudaGetDeviceProperties(void *properties, int device) {
        strcpy(properties, "a GPU");
        return device == LOST ? 999 : 0;
      }
      const char *cudaGetErrorName(int error) { return error == 2 ? "cudaErrorMemoryAllocation" : "cudaErrorOther"; }
      const char *cudaGetErrorString(int error) { return error == 2 ? "out of memory" : "some other error"; }
      """;

  @TempDir private Path temp;

  @BeforeEach
  void needsLinux() {
    assumeTrue(Platform.current().os().equals("linux"), "CUDA is for Linux");
    System.setProperty(CudaSearch.DIR_PROPERTY, temp.toString());
  }

  @AfterEach
  void forget() {
    System.clearProperty(CudaSearch.DIR_PROPERTY);
  }

  /** Compiles the fake libcudart with these macros, and two empty libraries. */
  private void libraries(String... macros) throws IOException, InterruptedException {
    compile("libcudart.so.13", SOURCE, macros);
    compile("libcublasLt.so.13", "int nothing;");
    Files.copy(temp.resolve("libcublasLt.so.13"), temp.resolve("libcublas.so.13"));
  }

  private void compile(String name, String source, String... macros)
      throws IOException, InterruptedException {
    Path file = Files.writeString(temp.resolve("source.c"), source);
    List<String> command = new ArrayList<>(List.of("cc", "-shared", "-fPIC"));
    for (String macro : macros) {
      command.add("-D" + macro);
    }
    command.addAll(List.of("-o", temp.resolve(name).toString(), file.toString()));
    Process process;
    try {
      process = new ProcessBuilder(command).redirectErrorStream(true).start();
    } catch (IOException e) {
      assumeTrue(false, "no C compiler");
      throw e;
    }
    var output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(output).isZero();
  }

  private static CudaRuntime open() {
    return CudaRuntime.open(MANIFEST, Platform.current());
  }

  @Test
  void reportsVersionsAndDevices() throws Exception {
    libraries("COUNT=2", "DRIVER=13010");
    var cuda = open();
    assertThat(cuda.version()).isEqualTo("13.0");
    assertThat(cuda.driverCudaVersion()).isEqualTo("13.1");
    assertThat(cuda.deviceCount()).isEqualTo(2);
    assertThat(cuda.computeCapability(0)).isEqualTo("9.0");
    assertThat(cuda.architectures()).isEqualTo("8.0, 9.0");
    assertThat(cuda.file()).isEqualTo(temp.resolve("libcudart.so.13").toString());
    assertThat(cuda.place()).contains(CudaSearch.DIR_PROPERTY, temp.toString());
    cuda.check(0);
    assertThatThrownBy(() -> cuda.check(2))
        .hasMessageContainingAll("no GPU 2", "finds 2", "0 to 1");
  }

  @ParameterizedTest
  @CsvSource({
    "DRIVER=0, NO_DRIVER, no NVIDIA driver, version 580",
    "DRIVER=12040, DRIVER_TOO_OLD, CUDA 12.4, CUDA 13.0",
    "COUNT_STATUS=35, DRIVER_TOO_OLD, too old, version 580",
    "COUNT_STATUS=100, NO_DEVICE, finds no GPU, nvidia-smi",
    "COUNT=0, NO_DEVICE, finds no GPU, nvidia-smi",
    "COUNT_STATUS=2, NO_MEMORY, out of memory, nvidia-smi",
    "COUNT_STATUS=999, FAILED, some other error, CUDA 13.0",
    "COUNT=17, FAILED, 17 GPUs, CUDA_VISIBLE_DEVICES",
    "LOST=0, FAILED, GPU 0 does not answer, some other error",
    "MUTE=0, FAILED, GPU 0 does not answer, nvidia-smi"
  })
  void reportsWhyCudaDoesNotWork(String macro, Reason reason, String summary, String advice)
      throws Exception {
    libraries(macro);
    var exception = catchThrowableOfType(BackendUnavailableException.class, CudaRuntimeTest::open);
    assertThat(exception.reason()).isEqualTo(reason);
    assertThat(exception.backend()).isEqualTo("cuda");
    assertThat(exception.summary()).contains(summary).doesNotContain("\n");
    assertThat(exception).hasMessageContainingAll(summary, advice);
  }

  @ParameterizedTest
  @CsvSource({
    "SET_STATUS=2, NO_MEMORY, a GPU, out of memory",
    "SET_STATUS=46, FAILED, a GPU, some other error",
    "MAJOR=7, UNSUPPORTED_DEVICE, compute capability 7.0, GGML4J_CUDA_ARCHITECTURES=70",
  })
  void reportsWhyAGpuCannotBeUsed(String macro, Reason reason, String summary, String more)
      throws Exception {
    libraries(macro);
    var cuda = open();
    var exception = catchThrowableOfType(BackendUnavailableException.class, () -> cuda.check(0));
    assertThat(exception.reason()).isEqualTo(reason);
    assertThat(exception).hasMessageContainingAll(summary, more);
  }

  @Test
  void namesEveryPlaceThatWasSearched() throws Exception {
    libraries();
    Files.delete(temp.resolve("libcublas.so.13"));
    assertThatThrownBy(CudaRuntimeTest::open)
        .isInstanceOf(BackendUnavailableException.class)
        .hasMessageContainingAll(
            CudaSearch.DIR_PROPERTY + "=" + temp + ": no libcublas.so.13", "pip install");
    Files.writeString(temp.resolve("libcublas.so.13"), "no library");
    assertThatThrownBy(CudaRuntimeTest::open).hasMessageContaining("file too short");
  }

  @Test
  void nativesMustStateTheCudaVersion() {
    assertThatThrownBy(() -> CudaRuntime.open(Map.of(), Platform.current()))
        .isInstanceOf(BackendUnavailableException.class)
        .hasMessageContaining("cuda=");
  }
}
