package io.github.ggml4j.tensor;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.github.ggml4j.bindings.BackendUnavailableException;
import io.github.ggml4j.bindings.NativeLibrary;
import io.github.ggml4j.bindings.NativeLibraryException;
import io.github.ggml4j.bindings.ffi.Ggml;
import io.github.ggml4j.error.InvalidArgumentException;
import io.github.ggml4j.tensor.internal.HostMemory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Loads backends and describes their devices. Checks CUDA before ggml uses it. */
final class Devices {
  private static final String CUDA = "cuda";

  private Devices() {}

  /** All GPUs, usable or not. */
  static List<DeviceInfo> gpus() {
    return all().stream()
        .filter(info ->
            info.kind() == DeviceInfo.Kind.GPU || info.kind() == DeviceInfo.Kind.INTEGRATED_GPU)
        .toList();
  }

  /** All devices of the loaded backends. */
  static List<DeviceInfo> all() {
    NativeLibrary.load();
    var devices = new ArrayList<DeviceInfo>();
    try (var arena = Arena.ofConfined()) {
      var free = arena.allocate(JAVA_LONG);
      var total = arena.allocate(JAVA_LONG);
      for (long i = 0; i < Ggml.ggml_backend_dev_count(); i++) {
        var device = Ggml.ggml_backend_dev_get(i);
        var name = Ggml.ggml_backend_dev_name(device).getString(0).toLowerCase(Locale.ROOT);
        var problem = problem(name);
        var kind = kind(Ggml.ggml_backend_dev_type(device));
        var memory = new HostMemory(0, 0, null);
        if (problem == null) {
          Ggml.ggml_backend_dev_memory(device, free, total);
          memory = new HostMemory(total.get(JAVA_LONG, 0), free.get(JAVA_LONG, 0), null);
          if (memory.totalBytes() == 0) {
            problem = name + " does not report its memory";
          } else if (kind == DeviceInfo.Kind.CPU) {
            memory = HostMemory.now(memory);
          }
        }
        devices.add(
            new DeviceInfo(
                name,
                Ggml.ggml_backend_dev_description(device).getString(0).strip(),
                kind,
                memory.availableBytes(),
                memory.totalBytes(),
                computeCapability(name),
                versions(name),
                problem));
      }
    }
    return List.copyOf(devices);
  }

  /** Why a device cannot be used; null if it can. Without this check ggml ends the process. */
  private static @Nullable String problem(String name) {
    try {
      checkCuda(name);
      return null;
    } catch (BackendUnavailableException e) {
      return e.summary();
    }
  }

  /**
   * Asks CUDA whether a device can be used.
   *
   * @throws BackendUnavailableException if it cannot
   */
  static void checkCuda(String name) {
    if (name.startsWith(CUDA)) {
      int index = Integer.parseInt(name.substring(CUDA.length()));
      NativeLibrary.cuda().ifPresent(cuda -> cuda.check(index));
    }
  }

  private static @Nullable String computeCapability(String name) {
    if (!name.startsWith(CUDA)) {
      return null;
    }
    int index = Integer.parseInt(name.substring(CUDA.length()));
    try {
      return NativeLibrary.cuda().map(cuda -> cuda.computeCapability(index)).orElse(null);
    } catch (BackendUnavailableException e) {
      return null; // the device's problem says why
    }
  }

  private static SortedMap<String, String> versions(String name) {
    var versions = new TreeMap<String, String>();
    versions.put("ggml", Ggml.ggml_version().getString(0));
    if (name.startsWith(CUDA)) {
      NativeLibrary.cuda()
          .ifPresent(cuda -> {
            versions.put("driver", cuda.driverVersion());
            versions.put("driver CUDA", cuda.driverCudaVersion());
            versions.put("CUDA", cuda.version());
            versions.put("built for", cuda.architectures());
          });
    }
    versions.values().removeIf(String::isEmpty);
    return Collections.unmodifiableSortedMap(versions);
  }

  /** ggml's device. */
  static MemorySegment handle(DeviceInfo info) {
    for (long i = 0; i < Ggml.ggml_backend_dev_count(); i++) {
      var device = Ggml.ggml_backend_dev_get(i);
      if (info.name().equalsIgnoreCase(Ggml.ggml_backend_dev_name(device).getString(0))) {
        return device;
      }
    }
    throw new InvalidArgumentException("device", info.name(), "one of the loaded backends");
  }

  private static DeviceInfo.Kind kind(int type) {
    if (type == Ggml.GGML_BACKEND_DEVICE_TYPE_CPU()) {
      return DeviceInfo.Kind.CPU;
    }
    if (type == Ggml.GGML_BACKEND_DEVICE_TYPE_GPU()) {
      return DeviceInfo.Kind.GPU;
    }
    return type == Ggml.GGML_BACKEND_DEVICE_TYPE_IGPU()
        ? DeviceInfo.Kind.INTEGRATED_GPU
        : DeviceInfo.Kind.ACCELERATOR;
  }

  /** Loads a GPU backend, which is a library of its own. */
  static void loadBackend(String backend) {
    NativeLibrary.loadBackend(backend);
    MatmulPrecision.apply();
  }

  /**
   * Loads all GPU backends that work here.
   *
   * @return why the others do not work, one line each
   */
  static List<String> loadBackends() {
    var problems = new ArrayList<String>();
    for (var backend : NativeLibrary.backends()) {
      try {
        loadBackend(backend);
      } catch (NativeLibraryException e) {
        problems.add(backend + " does not work, " + inOneLine(e));
      }
    }
    return problems;
  }

  static String inOneLine(RuntimeException e) {
    return e instanceof BackendUnavailableException unavailable
        ? unavailable.summary()
        : String.valueOf(e.getMessage()).replaceAll("\\s*\\R\\s*", " ");
  }
}
