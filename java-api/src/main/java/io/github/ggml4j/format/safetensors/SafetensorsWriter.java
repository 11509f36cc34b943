package io.github.ggml4j.format.safetensors;

import io.github.ggml4j.format.internal.AtomicFiles;
import io.github.ggml4j.format.internal.FileOutput;
import io.github.ggml4j.format.internal.JsonText;
import io.github.ggml4j.internal.Names;
import io.github.ggml4j.internal.StrictUtf8;
import io.github.ggml4j.tensor.DType;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/**
 * Writes a safetensors file in the form and order of the reference implementation: tensors by type,
 * the widest first, then by name; the header padded with spaces to a multiple of 8 bytes.
 *
 * <p>Tensor data is asked for one tensor at a time while the file is written. The file appears
 * whole or not at all. Not thread-safe.
 */
public final class SafetensorsWriter {
  @SuppressWarnings("ArrayRecordComponent") // internal, never compared
  private record Pending(String name, DType dtype, long[] shape, Supplier<MemorySegment> data) {
    long byteSize() {
      long elements = 1;
      for (long dimension : shape) {
        elements = Math.multiplyExact(elements, dimension);
      }
      return dtype.byteSize(elements);
    }
  }

  private final Map<String, String> metadata = new LinkedHashMap<>();
  private final Map<String, Pending> tensors = new LinkedHashMap<>();

  /** A writer of an empty file. */
  public SafetensorsWriter() {}

  /** Adds free-form metadata; Hugging Face expects {@code format} to be {@code pt}. */
  public SafetensorsWriter metadata(String key, String value) {
    metadata.put(key, value);
    return this;
  }

  /**
   * Adds a tensor.
   *
   * @param name name in the file
   * @param dtype any type of safetensors files; not a quantized one
   * @param shape row-major
   * @param data gives the bytes, called once when the file is written
   * @throws IllegalArgumentException when the name is taken, or type or shape cannot be stored
   */
  public SafetensorsWriter add(
      String name, DType dtype, long[] shape, Supplier<MemorySegment> data) {
    if (SafetensorsTypes.rank(dtype) < 0) {
      throw new IllegalArgumentException(
          Names.quote(name)
              + " has type "
              + dtype
              + "; expected one of "
              + SafetensorsTypes.names()
              + ". Write quantized tensors to a GGUF file.");
    }
    for (long dimension : shape) {
      if (dimension < 0) {
        throw new IllegalArgumentException(
            Names.quote(name) + " has a dimension of " + dimension + "; expected 0 or more");
      }
    }
    if (name.equals(SafetensorsHeader.METADATA_KEY)) {
      throw new IllegalArgumentException("a tensor cannot be called " + name);
    }
    if (tensors.putIfAbsent(name, new Pending(name, dtype, shape.clone(), data)) != null) {
      throw new IllegalArgumentException("tensor " + Names.quote(name) + " is added twice");
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

  /**
   * Writes the content of the file to a channel, which stays open.
   *
   * @throws IllegalArgumentException when a tensor's data has the wrong number of bytes
   * @throws IOException when the channel fails
   */
  public void writeTo(WritableByteChannel channel) throws IOException {
    FileOutput out = new FileOutput(channel);
    writeTo(out);
    out.flush();
  }

  private void writeTo(FileOutput out) throws IOException {
    List<Pending> ordered = new ArrayList<>(tensors.values());
    ordered.sort(
        Comparator.comparingInt((Pending tensor) -> -SafetensorsTypes.rank(tensor.dtype()))
            .thenComparing(Pending::name));
    byte[] header = header(ordered);
    out.write(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(header.length).array());
    out.write(header);
    for (Pending tensor : ordered) {
      out.writeTensor(tensor.name(), tensor.data().get(), tensor.byteSize());
    }
  }

  private byte[] header(List<Pending> ordered) {
    StringBuilder json = new StringBuilder("{");
    String separator = "";
    if (!metadata.isEmpty()) {
      json.append('"').append(SafetensorsHeader.METADATA_KEY).append("\":{");
      metadata.forEach((key, value) -> {
        JsonText.quote(json, key).append(':');
        JsonText.quote(json, value).append(',');
      });
      json.setCharAt(json.length() - 1, '}');
      separator = ",";
    }
    long begin = 0;
    for (Pending tensor : ordered) {
      long end = Math.addExact(begin, tensor.byteSize());
      JsonText.quote(json.append(separator), tensor.name());
      json.append(":{\"dtype\":\"").append(tensor.dtype().name()).append("\",\"shape\":[");
      for (int i = 0; i < tensor.shape().length; i++) {
        json.append(i == 0 ? "" : ",").append(tensor.shape()[i]);
      }
      json.append("],\"data_offsets\":[").append(begin).append(',').append(end).append("]}");
      begin = end;
      separator = ",";
    }
    byte[] utf8 = StrictUtf8.encode(json.append('}'));
    int padded = (utf8.length + 7) & -8;
    if (padded > SafetensorsHeader.MAX_HEADER) {
      throw new IllegalArgumentException(
          "the header has "
              + padded
              + " bytes; expected at most "
              + SafetensorsHeader.MAX_HEADER
              + ". Write fewer tensors to one file.");
    }
    byte[] header = Arrays.copyOf(utf8, padded);
    Arrays.fill(header, utf8.length, padded, (byte) ' ');
    return header;
  }
}
