package io.github.ggml4j.tensor;

import io.github.ggml4j.bindings.ffi.Ggml;
import io.github.ggml4j.bindings.ffi.ggml_init_params;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * Tensors that outlive one computation: weights, caches, optimizer state.
 *
 * <p>Use: declare tensors with {@link #add}, {@link #map} and {@link #view}, then {@link #allocate}
 * once. Declaring is for one thread; afterwards the store may be shared.
 *
 * <p><b>Memory management.</b> Owns the memory of all tensors declared with {@link #add}. Memory
 * handed to {@link #map} stays its giver's and must outlive the store. Closing twice is allowed.
 */
public final class TensorStore implements AutoCloseable, TensorOwner {
  private final Device device;
  private final String what;
  private final MemorySegment context;
  private final List<MemorySegment> buffers = new ArrayList<>();
  private long toAllocate;
  private long bytes;
  private boolean closed;

  /**
   * An empty store.
   *
   * @param device where its tensors live
   * @param what what it holds, for error messages
   * @param maxTensors how many tensors and views can be declared
   */
  public TensorStore(Device device, String what, int maxTensors) {
    this.device = device;
    this.what = what;
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
      throw new IllegalArgumentException("A tensor has 1 to 4 dimensions, not " + shape.length);
    }
    var ne = new long[] {1, 1, 1, 1};
    for (int i = 0; i < shape.length; i++) {
      if (shape[i] < 1) {
        throw new IllegalArgumentException(
            "Dimension " + i + " is " + shape[i] + ", expected at least 1");
      }
      ne[shape.length - 1 - i] = shape[i];
    }
    if (ne[0] % type.blockSize() != 0) {
      throw new IllegalArgumentException(
          "The last dimension is "
              + ne[0]
              + ", type "
              + type
              + " needs a multiple of "
              + type.blockSize());
    }
    return Ggml.ggml_new_tensor_4d(context, type.ggmlId(), ne[0], ne[1], ne[2], ne[3]);
  }

  /**
   * Declares a tensor that {@link #allocate} gives memory to.
   *
   * @param shape row-major, slowest dimension first
   */
  public Tensor add(DType type, long... shape) {
    checkOpen();
    var tensor = Tensor.wrap(this, newTensor(context, type, shape));
    toAllocate++;
    return tensor;
  }

  /**
   * Declares a tensor whose elements already stand in memory, as in a mapped file. The device must
   * share the host's memory.
   */
  public Tensor map(MemorySegment memory, DType type, long... shape) {
    checkOpen();
    if (!device.sharesHostMemory()) {
      throw new IllegalArgumentException(
          "Device " + device + " cannot use the memory of this process");
    }
    var tensor = Tensor.wrap(this, newTensor(context, type, shape));
    if (memory.byteSize() != tensor.bytes()) {
      throw new IllegalArgumentException(
          "Memory of "
              + memory.byteSize()
              + " bytes for "
              + tensor
              + ", which takes "
              + tensor.bytes());
    }
    // ggml wants the start of a buffer aligned; the tensor itself may begin anywhere in it.
    long start = memory.address() & -64L;
    long length = memory.address() + memory.byteSize() - start;
    var buffer = Ggml.ggml_backend_cpu_buffer_from_ptr(MemorySegment.ofAddress(start), length);
    buffers.add(buffer);
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
    return Tensor.wrap(this, Views.consecutive(context, base, offset, shape));
  }

  /**
   * Gives memory to all tensors declared with {@link #add}, not zeroed.
   *
   * @throws OutOfDeviceMemoryException when the device has not enough
   */
  public void allocate() {
    checkOpen();
    if (toAllocate == 0) {
      return;
    }
    var buffer = Ggml.ggml_backend_alloc_ctx_tensors(context, device.backend());
    if (buffer.equals(MemorySegment.NULL)) {
      throw new OutOfDeviceMemoryException(
          "No memory for "
              + what
              + " on "
              + device
              + ", which has "
              + (device.freeMemory() >> 20)
              + " MiB free. Use a smaller model or batch, or a quantized type.");
    }
    buffers.add(buffer);
    bytes += Ggml.ggml_backend_buffer_get_size(buffer);
    toAllocate = 0;
  }

  /** Sets every byte of all allocated memory to zero. */
  public void zero() {
    checkOpen();
    for (var buffer : buffers) {
      Ggml.ggml_backend_buffer_clear(buffer, (byte) 0);
    }
  }

  /** Bytes allocated; mapped memory does not count. */
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
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      buffers.forEach(Ggml::ggml_backend_buffer_free);
      Ggml.ggml_free(context);
    }
  }
}
