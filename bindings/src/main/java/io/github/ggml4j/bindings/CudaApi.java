package io.github.ggml4j.bindings;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.List;

/**
 * The functions of libcudart that are called before ggml is loaded. Each returns CUDA's error code.
 */
final class CudaApi {
  static final int SUCCESS = 0;
  static final int OUT_OF_MEMORY = 2;
  static final int INSUFFICIENT_DRIVER = 35;
  static final int NO_DEVICE = 100;

  /** cudaDevAttrComputeCapabilityMajor and Minor. */
  static final int CAPABILITY_MAJOR = 75;

  static final int CAPABILITY_MINOR = 76;

  /** cudaDevAttrCooperativeLaunch. */
  private static final int COOPERATIVE_LAUNCH = 95;

  /** Bytes for a cudaDeviceProp; larger than that of any version. */
  private static final long PROPERTIES_BYTES = 16 << 10;

  private static final long NAME_BYTES = 256;

  private final SystemLinker linker;
  private final MemorySegment library;
  private final MethodHandle deviceCount;
  private final MethodHandle driverVersion;
  private final MethodHandle runtimeVersion;
  private final MethodHandle getDevice;
  private final MethodHandle setDevice;
  private final MethodHandle attribute;
  private final MethodHandle properties;
  private final MethodHandle free;
  private final MethodHandle lastError;
  private final MethodHandle errorName;
  private final MethodHandle errorText;

  /** An error code and, if it is {@link #SUCCESS}, the value. */
  record Answer(int status, int value) {}

  CudaApi(SystemLinker linker, MemorySegment library) {
    this.linker = linker;
    this.library = library;
    deviceCount = function("cudaGetDeviceCount", ADDRESS);
    driverVersion = function("cudaDriverGetVersion", ADDRESS);
    runtimeVersion = function("cudaRuntimeGetVersion", ADDRESS);
    getDevice = function("cudaGetDevice", ADDRESS);
    setDevice = function("cudaSetDevice", JAVA_INT);
    attribute = function("cudaDeviceGetAttribute", ADDRESS, JAVA_INT, JAVA_INT);
    String current =
        "cudaGetDeviceProperties_v2"; // in CUDA 12, the name without _v2 is an older function
    properties =
        function(
            linker.find(library, current).isPresent() ? current : "cudaGetDeviceProperties",
            ADDRESS,
            JAVA_INT);
    free = function("cudaFree", ADDRESS);
    lastError = function("cudaGetLastError");
    errorName = handle("cudaGetErrorName", FunctionDescriptor.of(ADDRESS, JAVA_INT));
    errorText = handle("cudaGetErrorString", FunctionDescriptor.of(ADDRESS, JAVA_INT));
  }

  private MethodHandle function(String name, MemoryLayout... arguments) {
    return handle(name, FunctionDescriptor.of(JAVA_INT, arguments));
  }

  private MethodHandle handle(String name, FunctionDescriptor type) {
    MemorySegment address =
        linker
            .find(library, name)
            .orElseThrow(() ->
                CudaRuntime.unavailable(
                    BackendUnavailableException.Reason.FAILED,
                    "%s has no %s, so it is not CUDA's runtime library"
                        .formatted(linker.file(library), name),
                    "."));
    return Linker.nativeLinker().downcallHandle(address, type);
  }

  Answer deviceCount() {
    return ask(deviceCount);
  }

  /** 1000 times the major version plus 10 times the minor version; 0 without a driver. */
  Answer driverVersion() {
    return ask(driverVersion);
  }

  Answer runtimeVersion() {
    return ask(runtimeVersion);
  }

  Answer attribute(int device, int which) {
    return ask(attribute, which, device);
  }

  /**
   * Makes CUDA initialize the device, as its first use would. Restores the current device of this
   * thread.
   */
  int setUp(int device) {
    Answer before = ask(getDevice);
    int status = before.status == SUCCESS ? call(setDevice, device) : before.status;
    if (status == SUCCESS) {
      status = call(free, MemorySegment.NULL);
    }
    forgetError();
    if (before.status == SUCCESS && before.value != device) {
      call(setDevice, before.value);
      forgetError();
    }
    return status;
  }

  /**
   * The error code of the queries that ggml makes while it is loaded and that abort on an error.
   */
  int describes(int device) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment struct = arena.allocate(PROPERTIES_BYTES, ADDRESS.byteAlignment());
      int status = call(properties, struct, device);
      if (status == SUCCESS) {
        status = attribute(device, COOPERATIVE_LAUNCH).status;
      }
      forgetError();
      return status;
    }
  }

  /** The name of a GPU, or the error if CUDA does not return it. */
  String name(int device) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment struct = arena.allocate(PROPERTIES_BYTES, ADDRESS.byteAlignment());
      int status = call(properties, struct, device);
      return status == SUCCESS ? struct.asSlice(0, NAME_BYTES).getString(0) : describe(status);
    }
  }

  String describe(int status) {
    return text(errorName, status) + ": " + text(errorText, status);
  }

  /** Clears the last error; otherwise the check of a later kernel launch would report it again. */
  private void forgetError() {
    call(lastError);
  }

  private Answer ask(MethodHandle function, Object... more) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment pointer = arena.allocate(JAVA_INT);
      List<Object> arguments = new java.util.ArrayList<>(List.of(pointer));
      arguments.addAll(List.of(more));
      int status = call(function, arguments.toArray());
      if (status != SUCCESS) {
        forgetError();
      }
      return new Answer(status, pointer.get(JAVA_INT, 0));
    }
  }

  private static int call(MethodHandle function, Object... arguments) {
    try {
      return (int) function.invokeWithArguments(arguments);
    } catch (Throwable e) {
      throw SystemLinker.unexpected(e);
    }
  }

  private static String text(MethodHandle function, int status) {
    try {
      var words = (MemorySegment) function.invokeExact(status);
      return words.equals(MemorySegment.NULL)
          ? String.valueOf(status)
          : words.reinterpret(Long.MAX_VALUE).getString(0);
    } catch (Throwable e) {
      throw SystemLinker.unexpected(e);
    }
  }
}
