package io.github.ggml4j.tensor;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.github.ggml4j.bindings.CudaRuntime;
import io.github.ggml4j.bindings.NativeLibrary;
import io.github.ggml4j.bindings.NativeLibraryException;
import io.github.ggml4j.bindings.ffi.Ggml;
import io.github.ggml4j.error.InvalidArgumentException;
import io.github.ggml4j.tensor.internal.DeviceAccess;
import io.github.ggml4j.tensor.internal.HostBuffers;
import io.github.ggml4j.tensor.internal.HostMemory;
import io.github.ggml4j.tensor.internal.Kernel;
import java.lang.System.Logger.Level;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
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
  private static final String AUTO = "auto";
  private static final String CUDA = "cuda";
  private static final double GIB = 1L << 30;

  /**
   * Rows and columns of the matrix that {@link #computes} asks about: whole blocks of all types.
   */
  private static final long PROBE = 256;

  /** ggml's {@code GGML_MAX_N_THREADS}. */
  private static final int MAX_THREADS = 512;

  /** Allocations of the CPU that are smaller than this are not checked. */
  private static final long CHECKED_BYTES = 64L << 20;

  private final String name;
  private final int threads;
  private final boolean cpu;
  private final boolean fused;
  private final MemorySegment backend;
  private final MemorySegment threadpool;
  private final Map<Kernel, MemorySegment> gpuKernels;
  private final @Nullable String computeCapability;
  private final ReentrantLock lock = new ReentrantLock(true);
  private final Map<DType, Boolean> computable = new ConcurrentHashMap<>();
  private volatile DeviceAccess.BuildListener<Graph> buildListener = _ -> {};
  private volatile @Nullable OpProfile profile;
  private boolean closed;

  private Device(
      String name,
      int threads,
      boolean cpu,
      boolean fused,
      MemorySegment backend,
      MemorySegment threadpool,
      Map<Kernel, MemorySegment> gpuKernels,
      @Nullable String computeCapability) {
    this.name = name;
    this.threads = threads;
    this.cpu = cpu;
    this.fused = fused;
    this.backend = backend;
    this.threadpool = threadpool;
    this.gpuKernels = gpuKernels;
    this.computeCapability = computeCapability;
  }

  /** Opens the CPU with one thread for each processor that this JVM may use. */
  public static Device cpu() {
    return cpu(Runtime.getRuntime().availableProcessors());
  }

  /**
   * Opens the CPU with a number of threads.
   *
   * @param threads worker threads, 1 to 512, the calling thread included
   */
  public static Device cpu(int threads) {
    return cpu("cpu", threads, true);
  }

  private static Device cpu(String name, int threads, boolean fused) {
    if (threads < 1 || threads > MAX_THREADS) {
      throw new InvalidArgumentException(
          "threads",
          threads,
          "1 to "
              + MAX_THREADS
              + " (this machine has "
              + Runtime.getRuntime().availableProcessors()
              + " processors)");
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
      return new Device(name, threads, true, fused, backend, pool, Map.of(), null);
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
   * @throws IllegalArgumentException if there is no such device; the message lists the devices
   * @throws RuntimeException if the natives have the backend but it does not work here; the message
   *     gives the backend's reason
   */
  public static Device open(String name, int threads) {
    return open(
        name, threads, notice -> System.getLogger(Device.class.getName()).log(Level.INFO, notice));
  }

  /**
   * As {@link #open(String, int)}.
   *
   * @param notice receives one line if {@code auto} had a choice: the GPU that it chose, or why a
   *     GPU backend of the natives does not work here
   */
  public static Device open(String name, int threads, Consumer<? super String> notice) {
    int n = threads == 0 ? Runtime.getRuntime().availableProcessors() : threads;
    var wanted = name.toLowerCase(Locale.ROOT);
    if (wanted.equals("cpu")) {
      return cpu(n);
    }
    if (wanted.equals("cpu-stock")) {
      return cpu(wanted, n, false);
    }
    return wanted.equals(AUTO) ? choose(n, notice) : openNamed(name, wanted, n);
  }

  /** The first GPU that works, else the CPU. */
  private static Device choose(int threads, Consumer<? super String> notice) {
    for (var problem : Devices.loadBackends()) {
      notice.accept("Computing on the CPU: " + problem);
    }
    for (var gpu : Devices.gpus()) {
      if (gpu.problem() != null) {
        notice.accept("Not computing on " + gpu.name() + ": " + gpu.problem());
        continue;
      }
      try {
        var device = openGpu(gpu, threads);
        notice.accept("Computing on " + describe(gpu));
        return device;
      } catch (NativeLibraryException | IllegalStateException e) {
        notice.accept("Not computing on " + gpu.name() + ": " + Devices.inOneLine(e));
      }
    }
    return cpu(threads);
  }

  private static Device openNamed(String name, String wanted, int threads) {
    for (var backend : NativeLibrary.backends()) {
      if (wanted.matches(Pattern.quote(backend) + "(:?[0-9]+)?")) {
        Devices.loadBackend(backend);
      }
    }
    if (wanted.matches("cuda(:?[0-9]+)?")) {
      Devices.loadBackend("cuda"); // whose exception says why there is none
    }
    for (var gpu : Devices.gpus()) {
      if (gpu.name().equals(wanted.replace(":", "")) || gpu.name().equals(wanted + "0")) {
        return openGpu(gpu, threads);
      }
    }
    throw new InvalidArgumentException(
        "device",
        '"' + name + '"',
        "auto, cpu or one of the devices of the loaded natives: "
            + Devices.all().stream().map(DeviceInfo::name).toList(),
        "Use natives built with that backend, and check its driver.");
  }

  private static Device openGpu(DeviceInfo gpu, int threads) {
    Devices.checkCuda(gpu.name());
    var backend = Ggml.ggml_backend_dev_init(Devices.handle(gpu), MemorySegment.NULL);
    if (backend.equals(MemorySegment.NULL)) {
      throw new IllegalStateException(
          "Device " + gpu.name() + " was found but could not be opened; the log has the reason");
    }
    return new Device(
        gpu.name(),
        threads,
        false,
        false,
        backend,
        MemorySegment.NULL,
        kernelsOf(gpu.name()),
        gpu.computeCapability());
  }

  private static String describe(DeviceInfo gpu) {
    return String.format(
        Locale.ROOT,
        "%s: %s%s, %.1f of %.1f GiB free",
        gpu.name(),
        gpu.description(),
        gpu.computeCapability() == null ? "" : ", compute capability " + gpu.computeCapability(),
        gpu.freeMemory() / GIB,
        gpu.totalMemory() / GIB);
  }

  /** The CPU, and all GPUs whose backends the natives have. */
  public static List<DeviceInfo> list() {
    Devices.loadBackends();
    return Devices.all();
  }

  /**
   * Why GPU backends of the natives do not work here, one line each, such as {@code cuda does not
   * work, this machine has no NVIDIA driver}; empty if all work.
   */
  public static List<String> problems() {
    return Devices.loadBackends();
  }

  /** The name, such as {@code cpu} or {@code cuda0}. */
  public String name() {
    return name;
  }

  /** The number of CPU threads that compute. */
  public int threads() {
    return threads;
  }

  /**
   * Bytes of memory that can be allocated on this device now.
   *
   * <p>For the CPU this is the memory that the system can give this process without swapping. On
   * Linux that is {@code MemAvailable} within the limits of cgroups and {@code ulimit}, less the
   * memory of tensors that are allocated and not written yet.
   */
  public long freeMemory() {
    return exclusively(() -> memory().availableBytes());
  }

  private HostMemory memory() {
    try (var arena = Arena.ofConfined()) {
      var free = arena.allocate(JAVA_LONG);
      var total = arena.allocate(JAVA_LONG);
      Ggml.ggml_backend_dev_memory(Ggml.ggml_backend_get_device(backend), free, total);
      var told = new HostMemory(total.get(JAVA_LONG, 0), free.get(JAVA_LONG, 0), null);
      return cpu ? HostMemory.now(told) : told;
    }
  }

  /** Whether this is the CPU, which shares its memory with Java. */
  boolean isCpu() {
    return cpu;
  }

  /** The limit that determines {@link #freeMemory}; null if it is the device's memory itself. */
  @Nullable String memoryLimit() {
    return exclusively(() -> memory().limit());
  }

  /**
   * Fails if fewer bytes are free. Needed for the CPU only: operating systems let a process
   * allocate more memory than there is, and kill it when it writes to that memory. So a successful
   * allocation does not show that there is enough. An allocation on a GPU does.
   *
   * @param what purpose of the memory, for the message
   */
  void checkFree(String what, long bytes) {
    if (cpu && bytes >= CHECKED_BYTES) {
      long free = freeMemory();
      if (bytes > free) {
        throw OutOfDeviceMemoryException.of(what, this, bytes, free);
      }
    }
  }

  /** Must be called with each new buffer, so that its memory counts as used. */
  void allocated(MemorySegment buffer) {
    if (cpu && !buffer.equals(MemorySegment.NULL)) {
      HostBuffers.add(
          Ggml.ggml_backend_buffer_get_base(buffer), Ggml.ggml_backend_buffer_get_size(buffer));
    }
  }

  /** Must be called before a buffer is freed. */
  void freeing(MemorySegment buffer) {
    if (cpu && !buffer.equals(MemorySegment.NULL)) {
      HostBuffers.remove(Ggml.ggml_backend_buffer_get_base(buffer));
    }
  }

  /**
   * Memory that ops allocate while graphs run, besides the memory of the graphs.
   *
   * @param graphs the ops of each graph, in the order in which they first run
   * @return bytes; 0 on devices other than CUDA, where it is not known or small
   */
  long temporaryBytes(List<List<GraphOp>> graphs) {
    return name.startsWith(CUDA) ? CudaMemory.temporaryBytes(computeCapability, graphs) : 0;
  }

  /** Whether memory of this process can serve as this device's memory without a copy. */
  public boolean sharesHostMemory() {
    return cpu;
  }

  /** Whether all of ggml4j's own kernels run here. */
  boolean fused() {
    return fused;
  }

  /**
   * Whether one of ggml4j's own kernels runs here. {@code Kernel} is not exported: ops ask this,
   * their callers do not.
   */
  public boolean has(Kernel kernel) {
    return fused || gpuKernels.containsKey(kernel);
  }

  /** The address by which the backend knows a kernel. */
  MemorySegment address(Kernel kernel) {
    var address = gpuKernels.get(kernel);
    return address == null ? kernel.address() : address;
  }

  private static Map<Kernel, MemorySegment> kernelsOf(String gpu) {
    var kernels = new EnumMap<Kernel, MemorySegment>(Kernel.class);
    for (var kernel : Kernel.values()) {
      NativeLibrary.lookup()
          .find(kernel.symbolOn(gpu.replaceFirst("[0-9]*$", "")))
          .ifPresent(address -> kernels.put(kernel, address));
    }
    return kernels;
  }

  /**
   * Whether this device can multiply with weights of a type. All devices have F32, F16 and BF16;
   * quantized types differ.
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
    return cpu
        ? Ggml.ggml4j_computes(type.ggmlId()) != 0
        : computable.computeIfAbsent(type, this::asksWhetherItComputes);
  }

  /** Asks the backend about a small product. */
  private boolean asksWhetherItComputes(DType type) {
    var context = TensorStore.newContext(8 * Ggml.ggml_tensor_overhead());
    try {
      var matrix = TensorStore.newTensor(context, type, PROBE, PROBE);
      var x = TensorStore.newTensor(context, DType.F32, 1, PROBE);
      return supports(Ggml.ggml_mul_mat(context, matrix, x));
    } finally {
      Ggml.ggml_free(context);
    }
  }

  /**
   * Runs {@code action} while no computation of another thread runs on this device. For ggml4j's
   * own modules, see {@link DeviceAccess}.
   */
  public <T extends @Nullable Object> T exclusively(DeviceAccess.Action<T> action) {
    lock.lock();
    try {
      checkOpen();
      return action.get();
    } finally {
      lock.unlock();
    }
  }

  /**
   * Runs {@code action} while no computation of another thread runs here. The device may be closed:
   * memory is freed this way. For ggml4j's own modules, see {@link DeviceAccess}.
   */
  public void betweenComputations(DeviceAccess.Task action) {
    lock.lock();
    try {
      action.run();
    } finally {
      lock.unlock();
    }
  }

  /**
   * Starts or stops timing every node of the graphs that run.
   *
   * @param target receives the times; null stops timing
   */
  public void profile(@Nullable OpProfile target) {
    profile = target;
  }

  @Nullable OpProfile profile() {
    return profile;
  }

  /**
   * Computes a graph.
   *
   * @param check runs right before the computation, because tensors may have been closed while it
   *     waited for its turn
   */
  void compute(MemorySegment graph, Runnable check) {
    lock.lock();
    try {
      checkOpen();
      check.run();
      int status = Ggml.ggml_backend_graph_compute(backend, graph);
      checkBackend();
      if (status == Ggml.GGML_STATUS_ALLOC_FAILED()) {
        throw OutOfDeviceMemoryException.whileComputing(this, freeMemory());
      }
      if (status != Ggml.GGML_STATUS_SUCCESS()) {
        throw new IllegalStateException(
            "Computation failed on "
                + name
                + " with status "
                + status
                + "; the log has the reason");
      }
    } finally {
      lock.unlock();
    }
  }

  /**
   * Fails if the backend has failed. Called after computations, copies and allocations, which do
   * not return errors.
   *
   * @throws IllegalStateException with the backend's reason; the device is not usable any more
   */
  void checkBackend() {
    if (name.startsWith(CUDA)) {
      var failure = NativeLibrary.cuda().flatMap(CudaRuntime::failure);
      if (failure.isPresent()) {
        throw new IllegalStateException(
            "CUDA failed on "
                + name
                + ": "
                + failure.get().strip()
                + ". Restart the program: this process cannot use the GPU any more.");
      }
    }
  }

  /**
   * Sets a listener, called with each graph of this device before its memory is allocated. Replaces
   * an earlier listener. Not to be called while graphs are built. For ggml4j's own modules, see
   * {@link DeviceAccess}.
   */
  public void onBuild(DeviceAccess.BuildListener<Graph> listener) {
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
    return Ggml.ggml_backend_dev_supports_op(Devices.handle(info), node);
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
