package io.github.ggml4j.tensor;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.github.ggml4j.bindings.ffi.Ggml;
import io.github.ggml4j.bindings.ffi.ggml_tensor;
import io.github.ggml4j.internal.Check;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Optional;

/**
 * An n-dimensional array on a {@link Device}: a handle without ownership. It is valid as long as
 * the {@link Graph} or {@link TensorStore} that made it is open.
 *
 * <p>The device reads and writes elements, so the same code works for memory that the CPU cannot
 * access. Not thread-safe against a computation that writes the same tensor: reading and writing
 * wait for a running computation, but not for the next.
 */
public final class Tensor {
  private final TensorOwner owner;
  private final MemorySegment handle;
  private final DType type;
  private final long[] ne;

  /** Bytes from one element to the next of each dimension, in ggml's order. */
  private final long[] nb;

  private final boolean readOnly;

  private Tensor(TensorOwner owner, MemorySegment handle, DType type, boolean readOnly) {
    this.owner = owner;
    this.handle = handle;
    this.type = type;
    this.readOnly = readOnly;
    this.ne = ggml_tensor.ne(handle).toArray(JAVA_LONG);
    this.nb = ggml_tensor.nb(handle).toArray(JAVA_LONG);
  }

  /** Wraps a tensor of ggml; its type is read from the struct. */
  static Tensor wrap(TensorOwner owner, MemorySegment pointer) {
    return wrap(owner, pointer, false);
  }

  /** As {@link #wrap(TensorOwner, MemorySegment)}, of memory that may be read-only. */
  static Tensor wrap(TensorOwner owner, MemorySegment pointer, boolean readOnly) {
    if (pointer.equals(MemorySegment.NULL)) {
      throw new IllegalStateException("ggml made no tensor: its context is full");
    }
    var struct = pointer.reinterpret(ggml_tensor.sizeof());
    int id = ggml_tensor.type(struct);
    var type = DType.fromGgmlId(id);
    if (type == null) {
      throw new IllegalStateException("ggml made a tensor of an unknown type, number " + id);
    }
    return new Tensor(owner, struct, type, readOnly);
  }

  MemorySegment handle() {
    return handle;
  }

  TensorOwner owner() {
    return owner;
  }

  /** The element type. */
  public DType type() {
    return type;
  }

  /** The size of dimension {@code i} in ggml's order: 0 is the last one, the row length. */
  long ne(int i) {
    return ne[i];
  }

  /**
   * The size of a dimension counted from the end, as in Python: {@code dim(-1)} is the length of a
   * row; 1 beyond the first dimension.
   *
   * @param index -1 to -4
   */
  public long dim(int index) {
    return ne[Check.between("index", -index, 1, ne.length) - 1];
  }

  /** The length of a row: the size of the last dimension. */
  public long columns() {
    return ne[0];
  }

  /** The number of rows: the product of all dimensions but the last; 1 for a vector. */
  public long rows() {
    return ne[1] * ne[2] * ne[3];
  }

  /** Whether this is a matrix {@code (rows, columns)}; a vector is a matrix of one row. */
  public boolean isMatrix() {
    return ne[2] == 1 && ne[3] == 1;
  }

  /** The shape in row-major order, slowest dimension first, leading ones left out. */
  public long[] shape() {
    int rank = 4;
    while (rank > 1 && ne[rank - 1] == 1) {
      rank--;
    }
    var shape = new long[rank];
    for (int i = 0; i < rank; i++) {
      shape[i] = ne[rank - 1 - i];
    }
    return shape;
  }

  /** The number of elements. */
  public long elements() {
    return ne[0] * ne[1] * ne[2] * ne[3];
  }

  /** The number of bytes that the elements take, without padding between rows. */
  public long bytes() {
    return type.byteSize(ne[0]) * ne[1] * ne[2] * ne[3];
  }

  /** Whether the elements follow each other in memory without gaps, in row-major order. */
  public boolean contiguous() {
    long next = type.bytesPerBlock();
    if (ne[0] != type.blockSize() && nb[0] != next) {
      return false;
    }
    next *= ne[0] / type.blockSize();
    for (int i = 1; i < ne.length; i++) {
      if (ne[i] != 1 && nb[i] != next) {
        return false;
      }
      next *= ne[i];
    }
    return true;
  }

  /**
   * Whether the elements cannot be changed, as those of a mapped file. {@link #set} throws then,
   * and so does every op that would write to them.
   */
  public boolean readOnly() {
    return readOnly;
  }

  /** Whether the elements of each row follow each other in memory without gaps. */
  boolean contiguousRows() {
    return nb[0] == type.bytesPerBlock();
  }

  /** Whether the elements of a row are further apart in memory than the rows. */
  boolean transposed() {
    return nb[0] > nb[1];
  }

  /** Replaces all elements with the bytes of {@code source}, which must be native memory. */
  public void set(MemorySegment source) {
    set(source, 0, source.byteSize());
  }

  /**
   * Replaces {@code length} bytes, starting at byte {@code offset}, with the first bytes of {@code
   * source}.
   */
  public void set(MemorySegment source, long offset, long length) {
    checkWritable();
    if (source.byteSize() < length) {
      throw new IllegalArgumentException(
          "source has "
              + source.byteSize()
              + " bytes, expected at least "
              + length
              + " to write to "
              + this);
    }
    access(offset, length, () -> Ggml.ggml_backend_tensor_set(handle, source, offset, length));
  }

  /**
   * Replaces all elements of a matrix {@code (out, in)} with the transpose of {@code source}, which
   * is {@code (in, out)}. For element types of 2 or 4 bytes.
   *
   * @param threads CPU threads to use
   */
  public void setTransposed(MemorySegment source, int threads) {
    checkWritable();
    int size = type.bytesPerBlock();
    if (source.byteSize() != bytes()
        || !isMatrix()
        || type.isQuantized()
        || (size != 2 && size != 4)) {
      throw new IllegalArgumentException(
          "Cannot fill " + this + " from " + source.byteSize() + " bytes of its transpose");
    }
    access(
        0,
        bytes(),
        () -> {
          try (var arena = Arena.ofConfined()) {
            boolean direct = owner.device().sharesHostMemory();
            var target = direct ? ggml_tensor.data(handle) : arena.allocate(bytes(), 64);
            Ggml.ggml4j_transpose(target, source, ne[0], ne[1], size, threads);
            if (!direct) {
              set(target);
            }
          }
        });
  }

  /**
   * Copies {@code length} bytes, starting at byte {@code offset}, to {@code target}, native memory.
   */
  public void get(MemorySegment target, long offset, long length) {
    if (target.byteSize() < length) {
      throw new IllegalArgumentException(
          "target has "
              + target.byteSize()
              + " bytes, expected at least "
              + length
              + " to read from "
              + this);
    }
    access(offset, length, () -> Ggml.ggml_backend_tensor_get(handle, target, offset, length));
  }

  /**
   * The bytes of a contiguous tensor where they are, read-only, for a long read beside
   * computations. The caller ensures that the tensor stays open and that no computation changes it
   * meanwhile; {@link #get} needs no such care.
   *
   * @return empty if the device does not share the host's memory
   */
  public Optional<MemorySegment> hostBytes() {
    checkAccess(0, bytes());
    return owner.device().sharesHostMemory()
        ? Optional.of(ggml_tensor.data(handle).reinterpret(bytes()).asReadOnly())
        : Optional.empty();
  }

  /** Replaces all elements of an I32 tensor. */
  public void setInts(int... values) {
    checkType(DType.I32, values.length);
    try (var arena = Arena.ofConfined()) {
      set(arena.allocateFrom(JAVA_INT, values));
    }
  }

  /** Replaces all elements of an F32 tensor. */
  public void setFloats(float... values) {
    checkType(DType.F32, values.length);
    try (var arena = Arena.ofConfined()) {
      set(arena.allocateFrom(JAVA_FLOAT, values));
    }
  }

  /** All elements of a contiguous F32 tensor, in row-major order. */
  public float[] toFloats() {
    checkType(DType.F32, elements());
    try (var arena = Arena.ofConfined()) {
      var copy = arena.allocate(JAVA_FLOAT, elements());
      get(copy, 0, copy.byteSize());
      return copy.toArray(JAVA_FLOAT);
    }
  }

  /** All elements of a contiguous I32 tensor, in row-major order. */
  public int[] toInts() {
    checkType(DType.I32, elements());
    try (var arena = Arena.ofConfined()) {
      var copy = arena.allocate(JAVA_INT, elements());
      get(copy, 0, copy.byteSize());
      return copy.toArray(JAVA_INT);
    }
  }

  /** Sets every byte to zero. */
  public void zero() {
    checkWritable();
    access(0, bytes(), () -> Ggml.ggml_backend_tensor_memset(handle, (byte) 0, 0, bytes()));
  }

  private void checkType(DType wanted, long count) {
    if (type != wanted || elements() != count) {
      throw new IllegalArgumentException(
          "Expected a tensor of " + count + " elements of type " + wanted + ", but it is " + this);
    }
  }

  /** Accesses memory while no computation runs and nothing can be closed. */
  private void access(long offset, long length, Runnable action) {
    owner
        .device()
        .betweenComputations(() -> {
          checkAccess(offset, length);
          action.run();
          owner.device().checkBackend();
        });
  }

  private void checkWritable() {
    if (readOnly) {
      throw new IllegalStateException(
          this + " is in read-only memory, such as a mapped file, and cannot be changed");
    }
  }

  private void checkAccess(long offset, long length) {
    owner.checkOpen();
    boolean withoutMemory = owner instanceof TensorStore store && store.isWithoutMemory();
    if (withoutMemory
        || (ggml_tensor.buffer(handle).equals(MemorySegment.NULL)
            && ggml_tensor.view_src(handle).equals(MemorySegment.NULL))) {
      throw new IllegalStateException(this + " has no memory yet: its graph or store is not built");
    }
    if (!contiguous()) {
      throw new IllegalArgumentException(
          this + " is not contiguous, so its bytes cannot be copied at once");
    }
    if (offset < 0 || length < 0 || offset > bytes() - length) {
      throw new IllegalArgumentException(
          "Bytes "
              + offset
              + " to "
              + (offset + length)
              + " are out of range: "
              + this
              + " has "
              + bytes()
              + " bytes");
    }
  }

  @Override
  public String toString() {
    return type + Arrays.toString(shape());
  }
}
