package io.github.ggml4j.format.gguf;

import io.github.ggml4j.format.internal.AtomicFiles;
import io.github.ggml4j.format.internal.FileOutput;
import io.github.ggml4j.internal.Names;
import io.github.ggml4j.internal.StrictUtf8;
import io.github.ggml4j.tensor.DType;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/**
 * Writes a GGUF file of version 3. Metadata and tensors stand in the order in which they are added.
 *
 * <p>Tensor data is asked for one tensor at a time while the file is written. The file appears
 * whole or not at all. Not thread-safe.
 */
public final class GgufWriter {
  private static final int VERSION = 3;
  private static final int ALIGNMENT = GgufReader.DEFAULT_ALIGNMENT;

  @SuppressWarnings("ArrayRecordComponent") // internal, never compared
  private record Pending(
      String name, DType dtype, long[] shape, long byteSize, Supplier<MemorySegment> data) {}

  /** Key to type id and value, encoded. */
  private final Map<String, byte[]> metadata = new LinkedHashMap<>();

  private final Map<String, Pending> tensors = new LinkedHashMap<>();

  /** A writer of an empty file. */
  public GgufWriter() {}

  /** Adds a string. */
  public GgufWriter putString(String key, String value) {
    return put(key, new Encoder().type(GgufType.STRING).string(value));
  }

  /** Adds an unsigned 32-bit number, 0 to 2^32 - 1. */
  public GgufWriter putUint32(String key, long value) {
    if (value < 0 || value > 0xffff_ffffL) {
      throw new IllegalArgumentException(
          "metadata " + key + " is " + value + "; expected 0 to 4294967295");
    }
    return put(key, new Encoder().type(GgufType.UINT32).int32((int) value));
  }

  /** Adds a single-precision number. */
  public GgufWriter putFloat32(String key, float value) {
    return put(key, new Encoder().type(GgufType.FLOAT32).int32(Float.floatToRawIntBits(value)));
  }

  /** Adds a truth value. */
  public GgufWriter putBool(String key, boolean value) {
    return put(key, new Encoder().type(GgufType.BOOL).int8(value ? 1 : 0));
  }

  /** Adds an array of strings. */
  public GgufWriter putStrings(String key, List<String> values) {
    Encoder encoder = new Encoder().array(GgufType.STRING, values.size());
    values.forEach(encoder::string);
    return put(key, encoder);
  }

  /** Adds an array of signed 32-bit numbers. */
  public GgufWriter putInt32s(String key, int[] values) {
    Encoder encoder = new Encoder().array(GgufType.INT32, values.length);
    for (int value : values) {
      encoder.int32(value);
    }
    return put(key, encoder);
  }

  /** Adds a value of another file as it is, replacing one of the same key. */
  public GgufWriter putValue(String key, GgufValue value) {
    Encoder encoder = new Encoder();
    if (value.isArray()) {
      encoder.array(value.type(), value.count()).raw(value.elements());
    } else {
      encoder.type(value.type()).scalar(value);
    }
    metadata.remove(key);
    return put(key, encoder);
  }

  /**
   * Adds a tensor.
   *
   * @param name name in the file, at most 63 bytes
   * @param dtype a type of ggml
   * @param shape row-major, at most 4 dimensions; rows of whole blocks
   * @param data gives the bytes, called once when the file is written
   * @throws IllegalArgumentException when the name is taken, or type or shape cannot be stored
   */
  public GgufWriter add(String name, DType dtype, long[] shape, Supplier<MemorySegment> data) {
    String what = "tensor " + Names.quote(name);
    if (!dtype.isGgml()) {
      throw new IllegalArgumentException(
          what + " has type " + dtype + "; expected a type of ggml, such as F32");
    }
    if (shape.length > GgufReader.MAX_DIMENSIONS) {
      throw new IllegalArgumentException(
          what + " has " + shape.length + " dimensions; expected at most 4");
    }
    int nameLength = StrictUtf8.encode(name).length;
    if (nameLength == 0 || nameLength >= GgufReader.MAX_TENSOR_NAME) {
      throw new IllegalArgumentException(
          what + " has a name of " + nameLength + " bytes; expected 1 to 63");
    }
    long elements = 1;
    for (long dimension : shape) {
      if (dimension < 0) {
        throw new IllegalArgumentException(
            what + " has a dimension of " + dimension + "; expected 0 or more");
      }
      elements = Math.multiplyExact(elements, dimension);
    }
    dtype.byteSize(shape.length == 0 ? 1 : shape[shape.length - 1]);
    Pending tensor = new Pending(name, dtype, shape.clone(), dtype.byteSize(elements), data);
    if (tensors.putIfAbsent(name, tensor) != null) {
      throw new IllegalArgumentException(what + " is added twice");
    }
    return this;
  }

  /**
   * Writes the file.
   *
   * @throws IllegalArgumentException when a tensor's data has the wrong number of bytes
   * @throws java.io.UncheckedIOException when it cannot be written; then nothing is left behind
   */
  public void write(Path path) {
    AtomicFiles.write(path, this::writeTo);
  }

  private void writeTo(FileOutput out) throws IOException {
    out.write(head());
    out.align(ALIGNMENT);
    for (Pending tensor : tensors.values()) {
      out.writeTensor(tensor.name(), tensor.data().get(), tensor.byteSize());
      out.align(ALIGNMENT);
    }
  }

  private byte[] head() {
    Encoder head = new Encoder();
    head.int32(GgufReader.MAGIC).int32(VERSION).int64(tensors.size()).int64(metadata.size());
    metadata.forEach((key, value) -> head.string(key).bytes(value));
    long offset = 0;
    for (Pending tensor : tensors.values()) {
      head.string(tensor.name()).int32(tensor.shape().length);
      for (int d = tensor.shape().length - 1; d >= 0; d--) {
        head.int64(tensor.shape()[d]);
      }
      head.int32(tensor.dtype().ggmlId()).int64(offset);
      offset = Math.addExact(offset, (tensor.byteSize() + ALIGNMENT - 1) & -ALIGNMENT);
    }
    return head.toByteArray();
  }

  private GgufWriter put(String key, Encoder value) {
    if (key.isEmpty() || key.equals(GgufReader.ALIGNMENT_KEY)) {
      throw new IllegalArgumentException(
          "metadata key '" + key + "' cannot be set; expected a name other than the alignment's");
    }
    if (metadata.putIfAbsent(key, value.toByteArray()) != null) {
      throw new IllegalArgumentException("metadata " + key + " is added twice");
    }
    return this;
  }

  /** Little-endian bytes, growing. */
  private static final class Encoder {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteBuffer scratch = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);

    Encoder type(GgufType type) {
      return int32(type.id());
    }

    Encoder array(GgufType element, long count) {
      return type(GgufType.ARRAY).type(element).int64(count);
    }

    Encoder int8(int value) {
      out.write(value);
      return this;
    }

    Encoder int32(int value) {
      out.write(scratch.putInt(0, value).array(), 0, 4);
      return this;
    }

    Encoder int64(long value) {
      out.write(scratch.putLong(0, value).array(), 0, 8);
      return this;
    }

    Encoder string(String value) {
      byte[] bytes = StrictUtf8.encode(value);
      return int64(bytes.length).bytes(bytes);
    }

    Encoder bytes(byte[] bytes) {
      out.writeBytes(bytes);
      return this;
    }

    Encoder raw(MemorySegment bytes) {
      return bytes(bytes.toArray(ValueLayout.JAVA_BYTE));
    }

    Encoder scalar(GgufValue value) {
      switch (value.type()) {
        case STRING -> string(value.asString());
        case BOOL -> int8(value.asBoolean() ? 1 : 0);
        case FLOAT32 -> int32(Float.floatToRawIntBits((float) value.asDouble()));
        case FLOAT64 -> int64(Double.doubleToRawLongBits(value.asDouble()));
        default -> {
          scratch.putLong(0, value.bits());
          out.write(scratch.array(), 0, value.type().size());
        }
      }
      return this;
    }

    byte[] toByteArray() {
      return out.toByteArray();
    }
  }
}
