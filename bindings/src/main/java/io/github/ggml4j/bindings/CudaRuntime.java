package io.github.ggml4j.bindings;

import io.github.ggml4j.bindings.BackendUnavailableException.Reason;
import io.github.ggml4j.bindings.CudaApi.Answer;
import java.io.IOException;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * CUDA's own libraries in this process. They are found by the rules of {@link CudaSearch} and
 * checked before ggml uses them, because ggml aborts the process if a CUDA call fails.
 *
 * <p>Thread-safe. What is loaded stays loaded until the process ends.
 */
public final class CudaRuntime {
  static final String BACKEND = "cuda";

  /** Key in the manifest: the version of CUDA that the natives were built with. */
  static final String VERSION_KEY = "cuda";

  /** Key in the manifest: the architectures that they were built for. */
  static final String ARCHITECTURES_KEY = "cuda.architectures";

  /** ggml's GGML_CUDA_MAX_DEVICES. */
  private static final int MAX_DEVICES = 16;

  private static final Pattern DRIVER_RELEASE =
      Pattern.compile("Kernel Module.*? ([0-9]+(\\.[0-9]+)+)");

  private final CudaLibraries libraries;
  private final CudaApi api;
  private final List<CudaArchitecture> architectures;

  private volatile @Nullable MethodHandle failureCall;

  private CudaRuntime(CudaLibraries libraries, List<CudaArchitecture> architectures) {
    this.libraries = libraries;
    this.api = libraries.api();
    this.architectures = architectures;
  }

  /**
   * Loads CUDA's libraries and checks that there is a GPU.
   *
   * @param manifest the properties of the natives' manifest
   * @throws BackendUnavailableException if a library is missing or no GPU works
   */
  static CudaRuntime open(Map<String, String> manifest, Platform platform) {
    if (!platform.os().equals("linux")) {
      throw unavailable(Reason.FAILED, "CUDA is supported only on Linux", ".");
    }
    String version = manifest.getOrDefault(VERSION_KEY, "");
    if (!version.matches("[0-9]{2}\\.[0-9]+")) {
      throw unavailable(
          Reason.FAILED,
          "the manifest of the natives has no line %s=VERSION".formatted(VERSION_KEY),
          ", so it is not known which CUDA they need. Build them again.");
    }
    int major = Integer.parseInt(version.substring(0, 2));
    var linker = new SystemLinker();
    var libraries =
        CudaLibraries.open(
            CudaSearch.ofThisMachine(platform, major),
            linker,
            api -> requireDriver(linker, api, major));
    var architectures = CudaArchitecture.parse(manifest.getOrDefault(ARCHITECTURES_KEY, ""));
    var runtime = new CudaRuntime(libraries, architectures);
    runtime.checkDriver(major);
    return runtime;
  }

  private static void requireDriver(SystemLinker linker, CudaApi api, int major) {
    if (api.driverVersion().value() == 0) {
      var opened = linker.open(CudaLibraries.DRIVER);
      throw unavailable(
          Reason.NO_DRIVER,
          "no NVIDIA driver" + (opened.failed() ? " (" + opened.problem() + ")" : " that works"),
          ".%n%s".formatted(driverAdvice(major)));
    }
  }

  private void checkDriver(int major) {
    int driver = api.driverVersion().value();
    Answer count = api.deviceCount();
    int runtime = api.runtimeVersion().value();
    if (count.status() == CudaApi.INSUFFICIENT_DRIVER || driver / 1000 < runtime / 1000) {
      throw unavailable(
          Reason.DRIVER_TOO_OLD,
          "the NVIDIA driver%s is made for CUDA %s, too old for CUDA %s"
              .formatted(driverRelease(), dotted(driver), dotted(runtime)),
          " (%s). Update it to version %s or newer, or use natives built with an older CUDA."
              .formatted(libraries.file(), leastDriver(major)));
    }
    if (count.status() == CudaApi.NO_DEVICE || count.equals(new Answer(CudaApi.SUCCESS, 0))) {
      throw noDevice(count.status());
    }
    if (count.status() == CudaApi.OUT_OF_MEMORY) {
      throw unavailable(
          Reason.NO_MEMORY,
          "no memory is left for CUDA (%s)".formatted(api.describe(count.status())),
          ". End what else uses the GPU, see nvidia-smi.");
    }
    if (count.status() != CudaApi.SUCCESS) {
      throw unavailable(
          Reason.FAILED,
          "CUDA fails (%s)".formatted(api.describe(count.status())),
          ". The driver%s is made for CUDA %s, the libraries are of CUDA %s (%s); see what nvidia-smi says."
              .formatted(driverRelease(), dotted(driver), dotted(runtime), libraries.file()));
    }
    if (count.value() > MAX_DEVICES) {
      throw unavailable(
          Reason.FAILED,
          "there are %d GPUs, more than ggml supports".formatted(count.value()),
          ". Select at most %d with CUDA_VISIBLE_DEVICES.".formatted(MAX_DEVICES));
    }
    for (int device = 0; device < count.value(); device++) {
      int status = api.describes(device);
      if (status != CudaApi.SUCCESS) {
        throw unavailable(
            Reason.FAILED,
            "GPU %d does not answer (%s)".formatted(device, api.describe(status)),
            ". See what nvidia-smi says about it, or hide it with CUDA_VISIBLE_DEVICES.");
      }
    }
  }

  private BackendUnavailableException noDevice(int status) {
    String said = status == CudaApi.SUCCESS ? "" : " (" + api.describe(status) + ")";
    String visible = System.getenv("CUDA_VISIBLE_DEVICES");
    return visible == null
        ? unavailable(
            Reason.NO_DEVICE,
            "CUDA finds no GPU" + said,
            ". Check that nvidia-smi shows one; in a container, start that with the GPU (docker run"
                + " --gpus all).")
        : unavailable(
            Reason.NO_DEVICE,
            "CUDA finds no GPU with CUDA_VISIBLE_DEVICES=\"%s\"%s".formatted(visible, said),
            ". That variable hides GPUs: unset it, or set it to numbers that nvidia-smi -L lists.");
  }

  /**
   * Checks that a GPU can be used. Must be called before the GPU is used: ggml would abort the
   * process instead of reporting an error.
   *
   * @param device CUDA's index of the GPU
   * @throws BackendUnavailableException if the natives were not built for it, or it has no free
   *     memory even for CUDA itself
   */
  public void check(int device) {
    int count = deviceCount();
    if (device < 0 || device >= count) {
      throw unavailable(
          Reason.NO_DEVICE,
          "there is no GPU %d, CUDA finds %d".formatted(device, count),
          count == 0 ? "." : ". Indices go from 0 to %d.".formatted(count - 1));
    }
    String gpu = "GPU %d (%s)".formatted(device, api.name(device));
    int major = attribute(device, CudaApi.CAPABILITY_MAJOR);
    int minor = attribute(device, CudaApi.CAPABILITY_MINOR);
    if (!architectures.isEmpty()
        && architectures.stream().noneMatch(built -> built.runsOn(major, minor))) {
      throw unavailable(
          Reason.UNSUPPORTED_DEVICE,
          "%s has compute capability %d.%d, the natives are built for %s"
              .formatted(gpu, major, minor, architectures()),
          ". Build them with -DGGML4J_CUDA_ARCHITECTURES=%d%d.".formatted(major, minor));
    }
    int status = api.setUp(device);
    if (status == CudaApi.OUT_OF_MEMORY) {
      throw unavailable(
          Reason.NO_MEMORY,
          "%s has no memory left for CUDA itself (%s)".formatted(gpu, api.describe(status)),
          ". End what else uses it, see nvidia-smi, or choose another GPU.");
    }
    if (status != CudaApi.SUCCESS) {
      throw unavailable(
          Reason.FAILED,
          "%s cannot be used (%s)".formatted(gpu, api.describe(status)),
          ". See what nvidia-smi says about it.");
    }
  }

  /** The number of GPUs. */
  public int deviceCount() {
    return api.deviceCount().value();
  }

  /** The compute capability of a GPU, such as {@code 9.0}. */
  public String computeCapability(int device) {
    return attribute(device, CudaApi.CAPABILITY_MAJOR)
        + "."
        + attribute(device, CudaApi.CAPABILITY_MINOR);
  }

  /**
   * Sets whether matrix products of F32 may round their factors to TF32, which has a mantissa of 10
   * bits. The default is false. Applies to the whole process, from the next graph on.
   */
  public void allowTf32(boolean allow) {
    try {
      Linker.nativeLinker()
          .downcallHandle(
              symbol("ggml4j_cuda_allow_tf32"), FunctionDescriptor.ofVoid(ValueLayout.JAVA_INT))
          .invokeExact(allow ? 1 : 0);
    } catch (Throwable e) {
      throw SystemLinker.unexpected(e);
    }
  }

  /**
   * The first CUDA error of a computation or a copy; empty if there was none. After an error, every
   * computation fails and the process must be restarted.
   */
  public Optional<String> failure() {
    try {
      MethodHandle call = failureCall;
      if (call == null) {
        call =
            Linker.nativeLinker()
                .downcallHandle(
                    symbol("ggml4j_cuda_failure"), FunctionDescriptor.of(ValueLayout.ADDRESS));
        failureCall = call; // cached: called after every copy
      }
      var text = (MemorySegment) call.invokeExact();
      return text.equals(MemorySegment.NULL)
          ? Optional.empty()
          : Optional.of(text.reinterpret(Long.MAX_VALUE).getString(0));
    } catch (Throwable e) {
      throw SystemLinker.unexpected(e);
    }
  }

  /** Finds a function that our patch adds to ggml's library. */
  private static MemorySegment symbol(String name) {
    return NativeLibrary.lookup()
        .find(name)
        .orElseThrow(() ->
            unavailable(
                Reason.FAILED,
                "the natives have no " + name,
                ": they are of another version. Build them again."));
  }

  private int attribute(int device, int which) {
    Answer answer = api.attribute(device, which);
    if (answer.status() != CudaApi.SUCCESS) {
      throw unavailable(
          Reason.FAILED,
          "GPU %d does not answer (%s)".formatted(device, api.describe(answer.status())),
          ". See what nvidia-smi says about it.");
    }
    return answer.value();
  }

  /** The CUDA version of the libraries, such as {@code 13.0}. */
  public String version() {
    return dotted(api.runtimeVersion().value());
  }

  /** The newest CUDA version that the driver supports, such as {@code 13.1}. */
  public String driverCudaVersion() {
    return dotted(api.driverVersion().value());
  }

  /** The driver's version, such as {@code 580.65.06}; empty if it is unknown. */
  public String driverVersion() {
    return driverRelease().strip();
  }

  /** The file of CUDA's runtime library. */
  public String file() {
    return libraries.file();
  }

  /** The rule by which the libraries were found. */
  public String place() {
    return libraries.place();
  }

  /** The compute capabilities that the natives were built for, such as {@code 8.6, 9.0}. */
  public String architectures() {
    return CudaArchitecture.describe(architectures);
  }

  static BackendUnavailableException unavailable(Reason reason, String summary, String advice) {
    return new BackendUnavailableException(BACKEND, reason, summary, advice);
  }

  static String driverAdvice(int major) {
    return "Install NVIDIA's driver, version %s or newer, and check it with nvidia-smi; in a container, start that with the GPU (docker run --gpus all). Or use the device cpu."
        .formatted(leastDriver(major));
  }

  /** The oldest driver for a major version of CUDA, from NVIDIA's documentation. */
  private static String leastDriver(int major) {
    return switch (major) {
      case 12 -> "525";
      case 13 -> "580";
      default -> "for CUDA " + major;
    };
  }

  private static String driverRelease() {
    try {
      var matcher =
          DRIVER_RELEASE.matcher(Files.readString(Path.of("/proc/driver/nvidia/version")));
      return matcher.find() ? " " + matcher.group(1) : "";
    } catch (IOException e) {
      return "";
    }
  }

  private static String dotted(int version) {
    return version / 1000 + "." + version % 1000 / 10;
  }
}
