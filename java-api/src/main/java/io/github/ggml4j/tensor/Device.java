package io.github.ggml4j.tensor;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.github.ggml4j.bindings.NativeLibrary;
import io.github.ggml4j.bindings.NativeLibraryException;
import io.github.ggml4j.bindings.ffi.Ggml;
import io.github.ggml4j.tensor.internal.Kernel;
import java.lang.System.Logger.Level;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Where tensors live and graphs run: the CPU with a number of threads, or a GPU.
 *
 * <p>Thread-safe. One computation runs at a time and uses the whole device; callers on several
 * threads wait for each other in order of arrival.
 *
 * <p><b>Memory management.</b> Owns the backend and its threads. Close every store and graph of a
 * device first; closing the device twice is allowed.
 */
public final class Device implements AutoCloseable {
  private final String name;
  private final int threads;
  private final boolean cpu;
  private final boolean fused;
  private final MemorySegment backend;
  private final MemorySegment threadpool;
  private final ReentrantLock lock = new ReentrantLock(true);
  private volatile Consumer<Graph> buildListener = _ -> {};
  private boolean closed;

  private Device(
      String name,
      int threads,
      boolean cpu,
      boolean fused,
      MemorySegment backend,
      MemorySegment threadpool) {
    this.name = name;
    this.threads = threads;
    this.cpu = cpu;
    this.fused = fused;
    this.backend = backend;
    this.threadpool = threadpool;
  }

  /** The CPU with one thread for each processor that this JVM may use. */
  public static Device cpu() {
    return cpu(Runtime.getRuntime().availableProcessors());
  }

  /**
   * The CPU with a number of threads.
   *
   * @param threads worker threads, 1 to 512, the calling thread included
   */
  public static Device cpu(int threads) {
    return cpu("cpu", threads, true);
  }

  private static Device cpu(String name, int threads, boolean fused) {
    if (threads < 1 || threads > 512) {
      throw new IllegalArgumentException(
          "threads is "
              + threads
              + ", expected 1 to 512 (this machine offers "
              + Runtime.getRuntime().availableProcessors()
              + ")");
    }
    NativeLibrary.load();
    try (var arena = Arena.ofConfined()) {
      var params = Ggml.ggml_threadpool_params_default(arena, threads);
      var pool = Ggml.ggml_threadpool_new(params);
      if (pool.equals(MemorySegment.NULL)) {
        throw new IllegalStateException("ggml could not start " + threads + " threads");
      }
      var backend = Ggml.ggml_backend_cpu_init();
      if (backend.equals(MemorySegment.NULL)) {
        Ggml.ggml_threadpool_free(pool);
        throw new IllegalStateException("ggml could not open the CPU backend");
      }
      Ggml.ggml_backend_cpu_set_n_threads(backend, threads);
      Ggml.ggml_backend_cpu_set_threadpool(backend, pool);
      return new Device(name, threads, true, fused, backend, pool);
    }
  }

  /**
   * Opens a device by name.
   *
   * @param name {@code auto} (a GPU when the natives offer one, else the CPU), {@code cpu}, {@code
   *     cpu-stock} (the CPU with ggml's own ops only, slow, to compare with), or the name of a GPU
   *     backend such as {@code cuda}, {@code metal}, {@code vulkan}, with an optional index as in
   *     {@code cuda:1}
   * @param threads CPU threads; 0 for one for each processor
   * @throws IllegalArgumentException when there is no such device; the message lists those there
   *     are
   * @throws RuntimeException when the natives have that backend but it does not work here, with the
   *     backend's own reason
   */
  public static Device open(String name, int threads) {
    int n = threads == 0 ? Runtime.getRuntime().availableProcessors() : threads;
    var wanted = name.toLowerCase(Locale.ROOT);
    if (wanted.equals("cpu")) {
      return cpu(n);
    }
    if (wanted.equals("cpu-stock")) {
      return cpu(wanted, n, false);
    }
    loadBackend(wanted);
    var found = new ArrayList<String>();
    for (long i = 0; i < Ggml.ggml_backend_dev_count(); i++) {
      var device = Ggml.ggml_backend_dev_get(i);
      var deviceName = Ggml.ggml_backend_dev_name(device).getString(0).toLowerCase(Locale.ROOT);
      found.add(deviceName);
      int type = Ggml.ggml_backend_dev_type(device);
      boolean gpu =
          type == Ggml.GGML_BACKEND_DEVICE_TYPE_GPU()
              || type == Ggml.GGML_BACKEND_DEVICE_TYPE_IGPU();
      if (gpu
          && (wanted.equals("auto")
              || deviceName.equals(wanted.replace(":", ""))
              || deviceName.equals(wanted + "0"))) {
        var backend = Ggml.ggml_backend_dev_init(device, MemorySegment.NULL);
        if (backend.equals(MemorySegment.NULL)) {
          throw new IllegalStateException(
              "Device "
                  + deviceName
                  + " was found but could not be opened; see the log for its reason");
        }
        return new Device(deviceName, n, false, false, backend, MemorySegment.NULL);
      }
    }
    if (wanted.equals("auto")) {
      return cpu(n);
    }
    throw new IllegalArgumentException(
        "Device is \""
            + name
            + "\", expected auto, cpu or one of the devices that the loaded natives offer: "
            + found
            + ". Use natives built with that backend, and check its driver.");
  }

  /**
   * The devices that there are: the CPU, and the GPUs whose backends the natives have and that work
   * here.
   */
  public static List<DeviceInfo> list() {
    NativeLibrary.load();
    loadBackend("auto");
    var devices = new ArrayList<DeviceInfo>();
    try (var arena = Arena.ofConfined()) {
      var free = arena.allocate(JAVA_LONG);
      var total = arena.allocate(JAVA_LONG);
      for (long i = 0; i < Ggml.ggml_backend_dev_count(); i++) {
        var device = Ggml.ggml_backend_dev_get(i);
        Ggml.ggml_backend_dev_memory(device, free, total);
        devices.add(
            new DeviceInfo(
                Ggml.ggml_backend_dev_name(device).getString(0).toLowerCase(Locale.ROOT),
                Ggml.ggml_backend_dev_description(device).getString(0).strip(),
                kind(Ggml.ggml_backend_dev_type(device)),
                free.get(JAVA_LONG, 0),
                total.get(JAVA_LONG, 0)));
      }
    }
    return List.copyOf(devices);
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

  /** GPU backends are libraries of their own, loaded when one is asked for. */
  private static void loadBackend(String wanted) {
    for (var backend : NativeLibrary.backends()) {
      if (wanted.equals("auto")) {
        try {
          NativeLibrary.loadBackend(backend);
        } catch (NativeLibraryException e) {
          // Natives with a GPU backend are used on machines without a GPU too.
          System.getLogger(Device.class.getName()).log(Level.INFO, e.getMessage());
        }
      } else if (wanted.matches(Pattern.quote(backend) + "(:?[0-9]+)?")) {
        NativeLibrary.loadBackend(backend);
      }
    }
  }

  /** The name, such as {@code cpu} or {@code cuda0}. */
  public String name() {
    return name;
  }

  /** How many CPU threads compute. */
  public int threads() {
    return threads;
  }

  /** Bytes of memory that are free on this device. */
  public long freeMemory() {
    return exclusively(() -> {
      try (var arena = Arena.ofConfined()) {
        var free = arena.allocate(JAVA_LONG);
        var total = arena.allocate(JAVA_LONG);
        Ggml.ggml_backend_dev_memory(Ggml.ggml_backend_get_device(backend), free, total);
        return free.get(JAVA_LONG, 0);
      }
    });
  }

  /** Whether memory of this process can serve as this device's memory without a copy. */
  public boolean sharesHostMemory() {
    return cpu;
  }

  /** Whether ggml4j's own kernels run here; elsewhere every op is composed of ggml's stock ops. */
  public boolean fusedKernels() {
    return fused;
  }

  /** Whether one of ggml4j's own kernels runs here. */
  boolean runs(Kernel kernel) {
    return fused;
  }

  /**
   * Whether weights of a type can be multiplied with here. Every device that ggml supports takes
   * F32, F16 and BF16; quantized types differ.
   */
  public boolean computes(DType type) {
    if (!type.isGgml()) {
      return false;
    }
    if (type == DType.F32 || type == DType.F16 || type == DType.BF16) {
      return true;
    }
    if (!type.isQuantized() || type == DType.Q8_1 || type == DType.Q8_K) {
      return false;
    }
    if (!cpu) {
      return true; // asked for each node when a graph is built
    }
    return Ggml.ggml4j_computes(type.ggmlId()) != 0;
  }

  /** Runs {@code action} while no computation of another thread runs on this device. */
  public <T extends @Nullable Object> T exclusively(Supplier<T> action) {
    lock.lock();
    try {
      checkOpen();
      return action.get();
    } finally {
      lock.unlock();
    }
  }

  /**
   * Runs {@code action} while no computation of another thread runs here, whether this is open or
   * not: memory may only be given back between computations.
   */
  public void betweenComputations(Runnable action) {
    lock.lock();
    try {
      action.run();
    } finally {
      lock.unlock();
    }
  }

  /**
   * Computes a graph.
   *
   * @param check run in the computation's turn, right before it: what it uses may have been closed
   *     while it waited
   */
  void compute(MemorySegment graph, Runnable check) {
    lock.lock();
    try {
      checkOpen();
      check.run();
      int status = Ggml.ggml_backend_graph_compute(backend, graph);
      if (status == Ggml.GGML_STATUS_ALLOC_FAILED()) {
        throw OutOfDeviceMemoryException.whileComputing(this, freeMemory());
      }
      if (status != Ggml.GGML_STATUS_SUCCESS()) {
        throw new IllegalStateException(
            "Computation failed on " + name + " with status " + status + "; see the log");
      }
    } finally {
      lock.unlock();
    }
  }

  /**
   * Lets someone look at each graph of this device right before it gets its memory, to count its
   * ops for instance; replaces an earlier one. Not for use while graphs are built.
   */
  public void onBuild(Consumer<Graph> listener) {
    buildListener = listener;
  }

  void built(Graph graph) {
    buildListener.accept(graph);
  }

  MemorySegment backend() {
    checkOpen();
    return backend;
  }

  MemorySegment bufferType() {
    return Ggml.ggml_backend_get_default_buffer_type(backend());
  }

  static boolean supports(DeviceInfo info, MemorySegment node) {
    for (long i = 0; i < Ggml.ggml_backend_dev_count(); i++) {
      var device = Ggml.ggml_backend_dev_get(i);
      if (info.name().equalsIgnoreCase(Ggml.ggml_backend_dev_name(device).getString(0))) {
        return Ggml.ggml_backend_dev_supports_op(device, node);
      }
    }
    throw new IllegalArgumentException("There is no device " + info.name());
  }

  boolean supports(MemorySegment node) {
    return Ggml.ggml_backend_supports_op(backend, node);
  }

  private void checkOpen() {
    if (closed) {
      throw new IllegalStateException("Already closed: device " + name);
    }
  }

  @Override
  public void close() {
    lock.lock();
    try {
      if (!closed) {
        closed = true;
        Ggml.ggml_backend_free(backend);
        if (!threadpool.equals(MemorySegment.NULL)) {
          Ggml.ggml_threadpool_free(threadpool);
        }
      }
    } finally {
      lock.unlock();
    }
  }

  @Override
  public String toString() {
    return cpu ? name + " (" + threads + (threads == 1 ? " thread)" : " threads)") : name;
  }
}
