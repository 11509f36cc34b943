package io.github.ggml4j.bindings;

import io.github.ggml4j.bindings.BackendUnavailableException.Reason;
import io.github.ggml4j.bindings.ffi.Ggml;
import io.github.ggml4j.bindings.ffi.Symbols;
import io.github.ggml4j.bindings.ffi.ggml4j_params;
import io.github.ggml4j.bindings.ffi.ggml_tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * ggml, our kernels and OpenBLAS in this process.
 *
 * <p>They are loaded from the folder in the system property {@code ggml4j.native.dir}. If it is not
 * set, they are loaded from the natives jar of this platform on the class path or the module path,
 * which is unpacked once for each user. Of several builds of ggml's CPU backend, the best one that
 * this CPU can run is chosen. GPU backends are loaded on request, see {@link #loadBackend}.
 *
 * <p>Thread-safe. Libraries stay loaded until the process ends.
 */
public final class NativeLibrary {
  private static final Object LOCK = new Object();

  /** ggml's GGML_OBJECT_SIZE, which is part of ggml_tensor_overhead(). */
  private static final long GGML_OBJECT_BYTES = 32;

  private static volatile @Nullable NativeLibrary loaded;

  private final Platform platform;
  private final NativesFolder folder;
  private final Map<String, SymbolLookup> libraries = new TreeMap<>();
  private final List<String> backends = new ArrayList<>();
  private SymbolLookup lookup = name -> Optional.empty();
  private String cpuBackend = "";
  private @Nullable GgmlLog log;
  private @Nullable CudaRuntime cuda;

  private NativeLibrary(Platform platform, NativesFolder folder) {
    this.platform = platform;
    this.folder = folder;
  }

  /**
   * Loads the libraries. Does nothing if they are loaded.
   *
   * @throws NativeLibraryException if they are not found, damaged, or not built for this machine
   */
  public static void load() {
    instance();
  }

  /** Whether the libraries are loaded. */
  public static boolean isLoaded() {
    return loaded != null;
  }

  private static NativeLibrary instance() {
    NativeLibrary library = loaded;
    if (library == null) {
      synchronized (LOCK) {
        library = loaded;
        if (library == null) {
          Platform platform = Platform.current();
          library = new NativeLibrary(platform, NativesFolder.find(platform));
          library.loadAll();
          loaded = library;
        }
      }
    }
    return library;
  }

  /** The symbols of all loaded libraries. */
  public static SymbolLookup lookup() {
    NativeLibrary library = instance();
    return library.lookup;
  }

  /** The folder from which the libraries were loaded. */
  public static Path folder() {
    return instance().folder.path();
  }

  /**
   * The names of the GPU backends in the folder, such as {@code cuda}. Whether one works is known
   * only after it is loaded.
   */
  public static List<String> backends() {
    NativeLibrary library = instance();
    return library.folder.names().stream()
        .map(library::backendName)
        .flatMap(Optional::stream)
        .filter(name -> !name.equals("cpu") && !name.startsWith("cpu-") && !name.equals("base"))
        .toList();
  }

  /**
   * Loads a GPU backend, so that its devices can be used. Does nothing if it is loaded.
   *
   * @param name {@code cuda}, {@code metal}, {@code vulkan}
   * @throws BackendUnavailableException if the natives do not contain it, or it does not work on
   *     this machine
   */
  public static void loadBackend(String name) {
    NativeLibrary library = instance();
    synchronized (LOCK) {
      if (!library.backends.contains(name)) {
        library.registerBackend(name);
        library.backends.add(name);
      }
    }
  }

  /** The CUDA runtime; empty until {@link #loadBackend} has loaded {@code cuda}. */
  public static Optional<CudaRuntime> cuda() {
    NativeLibrary library = instance();
    synchronized (LOCK) {
      return library.backends.contains(CudaRuntime.BACKEND)
          ? Optional.ofNullable(library.cuda)
          : Optional.empty();
    }
  }

  /** Describes the loaded libraries for bug reports, in several lines. */
  public static String describe() {
    NativeLibrary library = instance();
    Map<String, String> properties = library.folder.properties();
    StringBuilder text = new StringBuilder();
    line(text, "platform", library.platform.toString());
    line(text, "folder", library.folder.path().toString());
    line(
        text,
        "ggml",
        Ggml.ggml_version().getString(0)
            + ", llama.cpp "
            + properties.getOrDefault("llama.cpp", "unknown"));
    line(text, "build", properties.getOrDefault("build", "unknown"));
    line(text, "cpu", library.cpuBackend);
    line(text, "kernels", Ggml.ggml4j_kernel_isa().getString(0));
    line(text, "blas", library.blas());
    line(text, "devices", String.join(", ", devices()));
    return text.toString();
  }

  private static void line(StringBuilder text, String name, String value) {
    text.append("%-9s %s%n".formatted(name, value));
  }

  private static List<String> devices() {
    List<String> devices = new ArrayList<>();
    for (long i = 0; i < Ggml.ggml_backend_dev_count(); i++) {
      MemorySegment device = Ggml.ggml_backend_dev_get(i);
      devices.add(
          "%s (%s)"
              .formatted(
                  Ggml.ggml_backend_dev_name(device).getString(0),
                  Ggml.ggml_backend_dev_description(device).getString(0)));
    }
    return devices;
  }

  private String blas() {
    return lookup
        .find("openblas_get_corename")
        .map(address -> {
          try {
            var name =
                Linker.nativeLinker()
                    .downcallHandle(address, FunctionDescriptor.of(ValueLayout.ADDRESS));
            return ((MemorySegment) name.invokeExact()).reinterpret(64).getString(0);
          } catch (Throwable e) {
            throw new AssertionError("a call without arguments cannot fail", e);
          }
        })
        .orElse(platform.os().equals("macos") ? "Accelerate" : "none");
  }

  private void loadAll() {
    openDependencies(folder.names().stream().filter(name -> !isOurs(name)).toList());
    try (var settings = OpenBlasSettings.apply(platform)) {
      folder.names().stream().filter(name -> name.contains("openblas")).forEach(this::open);
    }
    openRequired(platform.fileName("ggml-base"));
    openRequired(platform.fileName("ggml"));
    openRequired(platform.fileName("ggml4j"));
    Symbols.use(lookup);
    checkLayouts();
    log = GgmlLog.install(require("ggml4j_log_ignore"));
    String cpu = bestCpuBackend();
    open(cpu);
    cpuBackend = cpu;
    register(cpu, "cpu");
    initKernels();
  }

  /**
   * Whether a library is ggml, ggml4j or OpenBLAS. All others are the Fortran runtime that OpenBLAS
   * needs.
   */
  private static boolean isOurs(String name) {
    return name.contains("ggml") || name.contains("openblas");
  }

  /**
   * Opens libraries that may need each other and do not search their own folder: those that fail
   * are tried again after the others.
   */
  private void openDependencies(List<String> names) {
    List<String> failed = new ArrayList<>();
    NativeLibraryException reason = null;
    for (String name : names) {
      try {
        open(name);
      } catch (NativeLibraryException e) {
        failed.add(name);
        reason = e;
      }
    }
    if (reason != null && failed.size() == names.size()) {
      throw reason;
    }
    if (reason != null) {
      openDependencies(failed);
    }
  }

  private void openRequired(String name) {
    if (!folder.has(name)) {
      throw new NativeLibraryException(
          "%s has no %s (it holds %s). Build the natives again, or name another folder with -D%s=FOLDER."
              .formatted(
                  folder.path(),
                  name,
                  String.join(", ", folder.names()),
                  NativesFolder.DIR_PROPERTY));
    }
    open(name);
  }

  private void open(String name) {
    SymbolLookup symbols = open(name, Arena.global());
    SymbolLookup earlier = lookup;
    libraries.put(name, symbols);
    lookup = symbol -> symbols.find(symbol).or(() -> earlier.find(symbol));
    Symbols.use(lookup);
  }

  private SymbolLookup open(String name, Arena arena) {
    Path file = folder.path().resolve(name);
    try {
      return SymbolLookup.libraryLookup(file, arena);
    } catch (IllegalArgumentException e) {
      String reason = whyNot(file, e);
      String hint =
          reason.contains("failed to map segment")
              ? ". The system forbids code from that folder, as on a file system mounted noexec. Unpack elsewhere with -D%s=FOLDER, or name a copy of the libraries with -D%s=FOLDER."
                  .formatted(NativesCache.CACHE_PROPERTY, NativesFolder.DIR_PROPERTY)
              : "";
      throw new NativeLibraryException("Cannot load %s: %s%s".formatted(file, reason, hint), e);
    }
  }

  /** The error message of the system, which SymbolLookup does not report. */
  private static String whyNot(Path file, IllegalArgumentException e) {
    try {
      System.load(file.toString());
      return String.valueOf(e.getMessage());
    } catch (UnsatisfiedLinkError error) {
      return String.valueOf(error.getMessage()).replace(file + ": ", "");
    }
  }

  private MemorySegment require(String symbol) {
    return lookup
        .find(symbol)
        .orElseThrow(() ->
            new NativeLibraryException(
                "The libraries in %s have no symbol %s: they are of another version than this program. Build them again."
                    .formatted(folder.path(), symbol)));
  }

  /**
   * The CPU backend with the highest score on this machine. ggml computes the scores; 0 means that
   * the backend cannot run on this CPU.
   */
  private String bestCpuBackend() {
    record Candidate(String name, int score) {}
    List<Candidate> candidates = new ArrayList<>();
    for (String name : folder.names()) {
      Optional<String> backend = backendName(name);
      if (backend.isPresent()
          && (backend.get().equals("cpu") || backend.get().startsWith("cpu-"))) {
        candidates.add(new Candidate(name, score(name)));
      }
    }
    Candidate best =
        candidates.stream()
            .max(Comparator.comparingInt(Candidate::score))
            .orElse(new Candidate("", 0));
    if (best.score <= 0) {
      throw new NativeLibraryException(
          candidates.isEmpty()
              ? "%s has no CPU backend (it holds %s). Build the natives again."
                  .formatted(folder.path(), String.join(", ", folder.names()))
              : "%s needs instructions that this CPU does not have: it was built on another machine. Build the natives on this one, or a release build, which has every variant (tried %s)."
                  .formatted(
                      folder.path(),
                      String.join(", ", candidates.stream().map(Candidate::name).toList())));
    }
    return best.name;
  }

  private int score(String name) {
    try (Arena arena = Arena.ofConfined()) {
      Optional<MemorySegment> score = open(name, arena).find("ggml_backend_score");
      if (score.isEmpty()) {
        return 1; // without a score: built for the baseline of the platform
      }
      var handle =
          Linker.nativeLinker()
              .downcallHandle(score.get(), FunctionDescriptor.of(ValueLayout.JAVA_INT));
      return (int) handle.invokeExact();
    } catch (NativeLibraryException e) {
      throw e;
    } catch (Throwable e) {
      throw new AssertionError("a call without arguments cannot fail", e);
    }
  }

  /**
   * The name of the backend in a file: {@code cuda} for {@code libggml-cuda.so}; empty for others.
   */
  private Optional<String> backendName(String file) {
    String prefix = platform.backendFileName("ggml-");
    int dot = prefix.indexOf('.');
    String start = prefix.substring(0, dot);
    String end = prefix.substring(dot);
    return file.startsWith(start) && file.endsWith(end)
        ? Optional.of(file.substring(start.length(), file.length() - end.length()))
        : Optional.empty();
  }

  private void registerBackend(String name) {
    String file = platform.backendFileName("ggml-" + name);
    if (!folder.has(file)) {
      List<String> present = backends();
      throw new BackendUnavailableException(
          name,
          Reason.NOT_INCLUDED,
          "the natives in %s do not contain it (they contain: cpu%s)"
              .formatted(folder.path(), present.isEmpty() ? "" : ", " + String.join(", ", present)),
          ". Use natives built with it, or the device cpu.");
    }
    if (name.equals(CudaRuntime.BACKEND)) {
      cuda = CudaRuntime.open(folder.properties(), platform);
    }
    try {
      open(file);
    } catch (NativeLibraryException e) {
      throw new BackendUnavailableException(
          name, Reason.FAILED, String.valueOf(e.getMessage()), ".", e);
    }
    register(file, name);
  }

  private void register(String file, String name) {
    GgmlLog ggmlLog = Objects.requireNonNull(log);
    ggmlLog.drain();
    MemorySegment registered;
    try (Arena arena = Arena.ofConfined()) {
      registered =
          Ggml.ggml_backend_load(arena.allocateFrom(folder.path().resolve(file).toString()));
    }
    if (registered.equals(MemorySegment.NULL)) {
      throw new BackendUnavailableException(
          name,
          Reason.FAILED,
          "%s refused to start: %s"
              .formatted(folder.path().resolve(file), String.join("; ", ggmlLog.drain())),
          ".");
    }
    if (!name.equals("cpu") && Ggml.ggml_backend_reg_dev_count(registered) == 0) {
      throw new BackendUnavailableException(
          name,
          Reason.NO_DEVICE,
          "%s finds no device: %s"
              .formatted(folder.path().resolve(file), String.join("; ", ggmlLog.drain())),
          ". Check the driver, or use the device cpu.");
    }
  }

  /** Structures that Java and C access must have the same layout, otherwise memory is corrupted. */
  private void checkLayouts() {
    checkSize("ggml4j_params", ggml4j_params.sizeof(), Ggml.ggml4j_sizeof_params());
    checkSize("ggml_tensor", ggml_tensor.sizeof(), Ggml.ggml_tensor_overhead() - GGML_OBJECT_BYTES);
  }

  /** Fails if a structure has different sizes in Java and in the libraries. */
  private void checkSize(String struct, long here, long there) {
    if (here != there) {
      throw new NativeLibraryException(
          "The libraries in %s are of another version than this program: %s has %d bytes there, expected %d. Build them again."
              .formatted(folder.path(), struct, there, here));
    }
  }

  private void initKernels() {
    MemorySegment sgemm = lookup.find("cblas_sgemm").orElse(MemorySegment.NULL);
    MemorySegment threads = lookup.find("openblas_set_num_threads").orElse(MemorySegment.NULL);
    if (sgemm.equals(MemorySegment.NULL) && platform.os().equals("macos")) {
      sgemm =
          SymbolLookup.libraryLookup(
                  Path.of("/System/Library/Frameworks/Accelerate.framework/Accelerate"),
                  Arena.global())
              .find("cblas_sgemm")
              .orElse(MemorySegment.NULL);
    }
    if (Ggml.ggml4j_init(require("ggml_get_type_traits_cpu"), sgemm, threads) != 0) {
      throw new NativeLibraryException(
          "%s has no BLAS (cblas_sgemm): add libopenblas.so.0 beside the libraries"
              .formatted(folder.path()));
    }
  }
}
