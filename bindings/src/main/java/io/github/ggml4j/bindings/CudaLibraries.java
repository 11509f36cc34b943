package io.github.ggml4j.bindings;

import io.github.ggml4j.bindings.BackendUnavailableException.Reason;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * CUDA's own libraries. They are opened by full path before ggml's library that needs them, so the
 * dynamic linker uses them and does not search.
 *
 * @param api the functions of libcudart
 * @param file the path of libcudart
 * @param place the rule by which it was found
 */
record CudaLibraries(CudaApi api, String file, String place) {
  static final String DRIVER = "libcuda.so.1";

  /** The libraries in the order in which they are opened; each needs only those before it. */
  static List<String> names(int major) {
    return Stream.of("libcudart", "libcublasLt", "libcublas")
        .map(name -> name + ".so." + major)
        .toList();
  }

  /**
   * Opens the libraries of the first place that has all of them, so that they are of one release.
   *
   * @param check called after libcudart is open. The other libraries are large; opening them takes
   *     a tenth of a second, which is wasted without a driver
   * @throws BackendUnavailableException if no place has all; the message lists every place tried
   */
  static CudaLibraries open(CudaSearch search, SystemLinker linker, Consumer<CudaApi> check) {
    List<String> names = names(search.major());
    List<String> tried = new ArrayList<>();
    for (CudaSearch.Place place : search.places()) {
      List<String> files = names;
      if (!place.linker()) {
        CudaSearch.Found found = place.find(names);
        if (!found.missing().isEmpty()) {
          tried.add(
              place.name()
                  + ": "
                  + (found.absent()
                      ? "does not exist"
                      : "no " + String.join(", ", found.missing())));
          continue;
        }
        files = found.files().stream().map(Path::toString).toList();
      }
      List<MemorySegment> opened = new ArrayList<>();
      @Nullable CudaApi api = null;
      for (String file : files) {
        SystemLinker.Opened library = linker.open(file);
        if (library.failed()) {
          tried.add(place.name() + ": " + library.problem());
          break;
        }
        opened.add(library.handle());
        if (api == null) {
          api = new CudaApi(linker, library.handle());
          check.accept(api);
        }
      }
      if (api != null && opened.size() == files.size()) {
        return new CudaLibraries(api, linker.file(opened.getFirst()), place.name());
      }
      opened.reversed().forEach(linker::close);
    }
    if (search.named().isEmpty()) {
      tried.add("not set: " + String.join(", ", search.unset()));
    }
    throw notFound(search.major(), names, tried, linker);
  }

  private static BackendUnavailableException notFound(
      int major, List<String> names, List<String> tried, SystemLinker linker) {
    String libraries = String.join(", ", names);
    // With semicolons, because the command line prints it in one line
    String places = "%n  ".formatted() + String.join(";%n  ".formatted(), tried) + ".";
    String install =
        "%nInstall them, for example with: pip install %s%nor name the folder that has them with -D%s=FOLDER or %s=FOLDER."
            .formatted(packages(major), CudaSearch.DIR_PROPERTY, CudaSearch.DIR_VARIABLE);
    SystemLinker.Opened driver = linker.open(DRIVER);
    if (driver.failed()) {
      return CudaRuntime.unavailable(
          Reason.NO_DRIVER,
          "no NVIDIA driver (%s)".formatted(driver.problem()),
          ".%n%s%nCUDA's libraries (%s) were not found either. Tried:%s%s"
              .formatted(CudaRuntime.driverAdvice(major), libraries, places, install));
    }
    linker.close(driver.handle());
    return CudaRuntime.unavailable(
        Reason.LIBRARY_NOT_FOUND,
        "CUDA's libraries (%s) were not found".formatted(libraries),
        ". Tried:%s%s".formatted(places, install));
  }

  private static String packages(int major) {
    return (major >= 13
            ? "'nvidia-cuda-runtime==%1$d.*' 'nvidia-cublas==%1$d.*'"
            : "nvidia-cuda-runtime-cu%1$d nvidia-cublas-cu%1$d")
        .formatted(major);
  }
}
