package io.github.ggml4j.tensor;

import io.github.ggml4j.bindings.ffi.Ggml;
import io.github.ggml4j.bindings.ffi.ggml_init_params;
import io.github.ggml4j.bindings.ffi.ggml_tensor;
import io.github.ggml4j.error.InvalidArgumentException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * Tensors that outlive one computation: weights, caches, optimizer state.
 *
 * <p>Declare tensors with {@link #add}, {@link #map} and {@link #view}, then call {@link #allocate}
 * once. One thread declares the tensors; afterwards several threads may use the store.
 *
 * <p><b>Memory management.</b> Owns the memory of all tensors declared with {@link #add}. Memory
 * passed to {@link #map} belongs to the caller and must outlive the store. Closing waits for a
 * running computation; a graph that uses a closed store throws. Closing twice is allowed.
 */
public final class TensorStore implements AutoCloseable, TensorOwner {
  /** More elements than any memory holds; their number of bytes fits into 64 bits. */
  private static final long MAX_ELEMENTS = 1L << 48;

  /** The address of tensors without memory, which are only measured. It is never accessed. */
  static final MemorySegment NO_MEMORY = MemorySegment.ofAddress(1 << 12);

  private final Device device;
  private final String what;
  private final MemorySegment context;
  private final int maxTensors;
  private final List<MemorySegment> allocated = new ArrayList<>();
  private final List<MemorySegment> mapped = new ArrayList<>();

  /** The scopes of mapped memory: they must be alive. */
  private final Set<MemorySegment.Scope> scopes = new LinkedHashSet<>();

  private int tensors;
  private final List<Tensor> toAllocate = new ArrayList<>();
  private boolean withoutMemory;
  private long measuredBytes;
  private long bytes;
  private volatile boolean closed;

  /**
   * An empty store.
   *
   * @param device where its tensors live
   * @param what names in messages what it holds
   * @param maxTensors how many tensors and views can be declared
   */
  public TensorStore(Device device, String what, int maxTensors) {
    this.device = device;
    this.what = what;
    this.maxTensors = maxTensors;
    this.context = newContext(maxTensors * Ggml.ggml_tensor_overhead());
  }

  /** A ggml context for tensor descriptions only, without memory for elements. */
  static MemorySegment newContext(long bytes) {
    try (var arena = Arena.ofConfined()) {
      var params = ggml_init_params.allocate(arena);
      ggml_init_params.mem_size(params, bytes);
      ggml_init_params.mem_buffer(params, MemorySegment.NULL);
      ggml_init_params.no_alloc(params, true);
      var context = Ggml.ggml_init(params);
      if (context.equals(MemorySegment.NULL)) {
        throw new IllegalStateException("ggml could not make a context of " + bytes + " bytes");
      }
      return context;
    }
  }

  /** ggml's description of a new tensor. */
  static MemorySegment newTensor(MemorySegment context, DType type, long... shape) {
    if (shape.length < 1 || shape.length > 4) {
      throw new InvalidArgumentException("shape", Arrays.toString(shape), "1 to 4 dimensions");
    }
    var ne = new long[] {1, 1, 1, 1};
    long elements = 1;
    for (int i = 0; i < shape.length; i++) {
      if (shape[i] < 1) {
        throw new InvalidArgumentException(
            "shape", Arrays.toString(shape), "dimensions of at least 1");
      }
      if (shape[i] > MAX_ELEMENTS / elements) {
        throw new InvalidArgumentException(
            "shape", Arrays.toString(shape), "at most " + MAX_ELEMENTS + " elements");
      }
      elements *= shape[i];
      ne[shape.length - 1 - i] = shape[i];
    }
    if (ne[0] % type.blockSize() != 0) {
      throw new InvalidArgumentException(
          "shape",
          Arrays.toString(shape),
          "a last dimension that is a multiple of " + type.blockSize() + ", the block of " + type);
    }
    return Ggml.ggml_new_tensor_4d(context, type.ggmlId(), ne[0], ne[1], ne[2], ne[3]);
  }

  /**
   * Declares a tensor that {@link #allocate} gives memory to.
   *
   * @param shape row-major, slowest dimension first
   */
  public Tensor add(DType type, long... shape) {
    checkRoom();
    var tensor = Tensor.wrap(this, newTensor(context, type, shape));
    toAllocate.add(tensor);
    return tensor;
  }

  /** Fails if the context of ggml is full; ggml would end the process. */
  private void checkRoom() {
    checkOpen();
    if (tensors == maxTensors) {
      throw new IllegalStateException(
          "The store for " + what + " is full: it was made for " + maxTensors + " tensors");
    }
    tensors++;
  }

  /**
   * Declares a tensor whose elements are in memory already, such as a mapped file. The device must
   * share the host's memory. The tensor is read-only if the memory is.
   */
  public Tensor map(MemorySegment memory, DType type, long... shape) {
    checkOpen();
    if (!memory.isNative()) {
      throw new IllegalArgumentException(
          "ggml cannot use memory of the Java heap; pass native memory");
    }
    if (!device.sharesHostMemory()) {
      throw new IllegalArgumentException(
          "Device " + device + " cannot use the memory of this process");
    }
    checkRoom();
    var tensor = Tensor.wrap(this, newTensor(context, type, shape), memory.isReadOnly());
    if (memory.byteSize() != tensor.bytes()) {
      throw new IllegalArgumentException(
          "Memory of "
              + memory.byteSize()
              + " bytes for "
              + tensor
              + ", which takes "
              + tensor.bytes());
    }
    // The start of a ggml buffer must be aligned; the tensor may begin anywhere in it.
    long start = memory.address() & -64L;
    long length = memory.address() + memory.byteSize() - start;
    var buffer = Ggml.ggml_backend_cpu_buffer_from_ptr(MemorySegment.ofAddress(start), length);
    mapped.add(buffer);
    scopes.add(memory.scope());
    int status = Ggml.ggml_backend_tensor_alloc(buffer, tensor.handle(), memory);
    if (status != Ggml.GGML_STATUS_SUCCESS()) {
      throw new IllegalStateException("ggml could not place " + tensor + ", status " + status);
    }
    return tensor;
  }

  /**
   * Declares a view of consecutive elements of a tensor of this store.
   *
   * @param offset first element
   */
  public Tensor view(Tensor base, long offset, long... shape) {
    checkOpen();
    if (base.owner() != this) {
      throw new IllegalArgumentException(
          "A view of " + base + " belongs to the store of its tensor");
    }
    checkRoom();
    return Tensor.wrap(this, Views.consecutive(context, base, offset, shape), base.readOnly());
  }

  /**
   * Gives memory to all tensors declared with {@link #add}, not zeroed.
   *
   * @throws OutOfDeviceMemoryException if the device does not have enough
   */
  public void allocate() {
    checkOpen();
    if (toAllocate.isEmpty()) {
      return;
    }
    long wanted = measure();
    device.checkFree(what, wanted);
    var buffer = Ggml.ggml_backend_alloc_ctx_tensors(context, device.backend());
    if (buffer.equals(MemorySegment.NULL)) {
      device.checkBackend();
      throw OutOfDeviceMemoryException.of(what, device, wanted);
    }
    allocated.add(buffer);
    device.allocated(buffer);
    bytes += Ggml.ggml_backend_buffer_get_size(buffer);
    toAllocate.clear();
  }

  /** Bytes that {@link #allocate} allocates, without allocating them. */
  public long measure() {
    checkOpen();
    return withoutMemory ? measuredBytes : allocationBytes(context, device);
  }

  /**
   * Ends declaring without allocating memory. Graphs over the tensors can be measured but not
   * built, and elements can be neither read nor written.
   */
  public TensorStore skipAllocation() {
    measuredBytes = measure();
    withoutMemory = true;
    toAllocate.forEach(tensor -> ggml_tensor.data(tensor.handle(), NO_MEMORY));
    toAllocate.clear();
    return this;
  }

  /** Whether {@link #skipAllocation} was called. */
  boolean isWithoutMemory() {
    return withoutMemory;
  }

  static long allocationBytes(MemorySegment context, Device device) {
    return Ggml.ggml_backend_alloc_ctx_tensors_from_buft_size(context, device.bufferType());
  }

  /** Sets every byte of all allocated memory to zero; mapped memory stays as it is. */
  public void zero() {
    device.betweenComputations(() -> {
      checkOpen();
      for (var buffer : allocated) {
        Ggml.ggml_backend_buffer_clear(buffer, (byte) 0);
      }
      device.checkBackend();
    });
  }

  /** Allocated bytes, without mapped memory. */
  public long bytes() {
    return bytes;
  }

  /** Where the tensors live. */
  @Override
  public Device device() {
    return device;
  }

  @Override
  public void checkOpen() {
    if (closed) {
      throw new IllegalStateException("Already closed: " + what);
    }
    for (var scope : scopes) {
      if (!scope.isAlive()) {
        throw new IllegalStateException("Already closed: the memory or file that holds " + what);
      }
    }
  }

  @Override
  public void close() {
    device.betweenComputations(() -> {
      if (!closed) {
        closed = true;
        for (var buffer : allocated) {
          device.freeing(buffer);
          Ggml.ggml_backend_buffer_free(buffer);
        }
        mapped.forEach(Ggml::ggml_backend_buffer_free);
        Ggml.ggml_free(context);
      }
    });
  }
}
