package io.github.ggml4j.format.gguf;

import io.github.ggml4j.format.ModelFormatException;
import io.github.ggml4j.internal.Names;
import io.github.ggml4j.tensor.DType;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Supplier;

/** The head of a GGUF file, checked against the size of the file as llama.cpp checks it. */
record GgufReader(
    int version,
    long alignment,
    long dataStart,
    Map<String, GgufValue> metadata,
    Map<String, GgufTensor> tensors) {

  static final int MAGIC = 0x4655_4747; // "GGUF" in little endian
  static final String ALIGNMENT_KEY = "general.alignment";
  static final int DEFAULT_ALIGNMENT = 32;

  /** ggml's GGML_MAX_NAME, the terminating zero included. */
  static final int MAX_TENSOR_NAME = 64;

  static final int MAX_DIMENSIONS = 4;
  private static final int MAX_KEY = 65_535;
  private static final int MAX_STRING = 64 << 20;
  private static final int MAX_KEYS = 1 << 16;
  private static final int MAX_TENSORS = 1 << 18;

  /** Key (length and a character), type, value. */
  private static final int MIN_PAIR = 8 + 1 + 4 + 1;

  /** Name (length only), number of dimensions, type, offset. */
  private static final int MIN_TENSOR = 8 + 4 + 4 + 8;

  static GgufReader read(MemorySegment bytes, String source) {
    GgufCursor in = new GgufCursor(bytes, source);
    if (in.readInt(() -> "the magic") != MAGIC) {
      throw in.bad("does not start with 'GGUF'", "a GGUF file");
    }
    int version = in.readInt(() -> "the version");
    if (version != 2 && version != 3) {
      boolean swapped = (version & 0xffff) == 0 && version != 0;
      throw ModelFormatException.of(
          source,
          swapped
              ? "is a big-endian GGUF file"
              : "is GGUF version " + Integer.toUnsignedString(version),
          "little-endian GGUF version 2 or 3",
          "Convert the model again with a current llama.cpp.");
    }
    long tensorCount = count(in, "tensors", MIN_TENSOR, MAX_TENSORS);
    long pairCount = count(in, "metadata keys", MIN_PAIR, MAX_KEYS);
    Map<String, GgufValue> metadata = readMetadata(in, source, pairCount);
    long alignment = alignment(metadata, in);
    Map<String, GgufTensor> tensors = readTensors(in, tensorCount, alignment);
    if (tensorCount > 0) {
      in.align(alignment, () -> "the tensor data");
    }
    checkData(in, tensors);
    return new GgufReader(version, alignment, in.position(), metadata, tensors);
  }

  private static long count(GgufCursor in, String what, int smallest, int most) {
    long count = in.readLong(() -> "the number of " + what);
    long possible = Math.min(in.remaining() / smallest, most);
    if (count < 0 || count > possible) {
      throw in.bad(
          "gives " + Long.toUnsignedString(count) + " " + what,
          "at most " + possible + " in a file of this size");
    }
    return count;
  }

  private static Map<String, GgufValue> readMetadata(GgufCursor in, String source, long count) {
    Map<String, GgufValue> metadata = new LinkedHashMap<>();
    for (long i = 0; i < count; i++) {
      String key = in.readString(MAX_KEY, () -> "metadata key " + metadata.size());
      if (key.isEmpty()) {
        throw in.bad("metadata key " + i + " is empty", "a name");
      }
      Supplier<String> what = () -> "metadata " + Names.quote(key);
      GgufType type = type(in, what);
      GgufValue value;
      if (type == GgufType.ARRAY) {
        GgufType element = type(in, what);
        if (element == GgufType.ARRAY) {
          throw in.bad(what.get() + " is an array of arrays", "an array of single values");
        }
        long length = in.readLong(what);
        long start = in.position();
        in.skip(element, length, what);
        MemorySegment elements = in.bytes().asSlice(start, in.position() - start);
        value = GgufValue.array(source, key, element, length, elements);
      } else if (type == GgufType.STRING) {
        value = GgufValue.scalar(source, key, type, in.readString(MAX_STRING, what));
      } else {
        value = GgufValue.scalar(source, key, type, in.readScalar(type, what));
      }
      if (metadata.put(key, value) != null) {
        throw in.bad("has " + what.get() + " twice", "one");
      }
    }
    return metadata;
  }

  private static GgufType type(GgufCursor in, Supplier<String> what) {
    int id = in.readInt(what);
    GgufType type = GgufType.fromId(id);
    if (type == null) {
      throw in.bad(what.get() + " has type " + Integer.toUnsignedString(id), "0 to 12");
    }
    return type;
  }

  private static long alignment(Map<String, GgufValue> metadata, GgufCursor in) {
    GgufValue value = metadata.get(ALIGNMENT_KEY);
    if (value == null) {
      return DEFAULT_ALIGNMENT;
    }
    long alignment = value.type() == GgufType.UINT32 && !value.isArray() ? value.asLong() : 0;
    if (Long.bitCount(alignment) != 1) {
      throw in.bad(
          "metadata " + ALIGNMENT_KEY + " is " + value + " of type " + value.type(),
          "a power of two of type UINT32");
    }
    return alignment;
  }

  private static Map<String, GgufTensor> readTensors(GgufCursor in, long count, long alignment) {
    Map<String, GgufTensor> tensors = new LinkedHashMap<>();
    long expectedOffset = 0;
    for (long i = 0; i < count; i++) {
      String name =
          in.readString(MAX_TENSOR_NAME - 1, () -> "the name of tensor " + tensors.size());
      Supplier<String> what = () -> "tensor " + Names.quote(name);
      int dimensions = in.readInt(what);
      if (dimensions < 0 || dimensions > MAX_DIMENSIONS) {
        throw in.bad(
            what.get() + " has " + Integer.toUnsignedString(dimensions) + " dimensions",
            "0 to " + MAX_DIMENSIONS);
      }
      long[] shape = new long[dimensions];
      for (int d = dimensions - 1; d >= 0; d--) {
        shape[d] = in.readLong(what);
      }
      int id = in.readInt(what);
      DType dtype = DType.fromGgmlId(id);
      if (dtype == null) {
        throw ModelFormatException.of(
            in.source(),
            what.get() + " has ggml type " + Integer.toUnsignedString(id),
            "a type of the ggml release in use",
            "Convert or quantize the model again with a current llama.cpp.");
      }
      long offset = in.readLong(what);
      GgufTensor tensor =
          new GgufTensor(name, dtype, shape, offset, byteSize(in, what, dtype, shape));
      if (offset != expectedOffset) {
        throw in.bad(
            what.get() + " has offset " + Long.toUnsignedString(offset),
            expectedOffset + ", the aligned end of the tensor before it (no gaps, no overlaps)");
      }
      expectedOffset = alignedEnd(in, what, tensor, alignment);
      if (tensors.put(name, tensor) != null) {
        throw in.bad("has " + what.get() + " twice", "one");
      }
    }
    return tensors;
  }

  private static long byteSize(GgufCursor in, Supplier<String> what, DType dtype, long[] shape) {
    try {
      long elements = 1;
      for (long dimension : shape) {
        if (dimension < 0) {
          throw new ArithmeticException();
        }
        elements = Math.multiplyExact(elements, dimension);
      }
      long row = shape.length == 0 ? 1 : shape[shape.length - 1];
      dtype.byteSize(row);
      return dtype.byteSize(elements);
    } catch (ArithmeticException | IllegalArgumentException e) {
      throw in.bad(
          what.get() + " of " + dtype + " has shape " + Arrays.toString(shape),
          "rows of whole blocks of " + dtype.blockSize() + " and a size below 2^63 bytes");
    }
  }

  private static long alignedEnd(
      GgufCursor in, Supplier<String> what, GgufTensor tensor, long alignment) {
    long end = tensor.offset() + tensor.byteSize();
    if (end < 0 || end > Long.MAX_VALUE - alignment) {
      throw in.bad(what.get() + " ends past 2^63", "an end within the file");
    }
    return (end + alignment - 1) & -alignment;
  }

  /** The last tensor may lack its padding; what follows it is not ours to judge. */
  private static void checkData(GgufCursor in, Map<String, GgufTensor> tensors) {
    for (GgufTensor tensor : tensors.values()) {
      if (tensor.byteSize() > in.remaining()
          || tensor.offset() > in.remaining() - tensor.byteSize()) {
        throw in.bad(
            "tensor "
                + Names.quote(tensor.name())
                + " needs bytes "
                + tensor.offset()
                + " to "
                + (tensor.offset() + tensor.byteSize()),
            "a range within the " + in.remaining() + " bytes of tensor data");
      }
    }
  }
}
