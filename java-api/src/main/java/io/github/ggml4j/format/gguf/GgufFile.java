package io.github.ggml4j.format.gguf;

import static io.github.ggml4j.format.internal.LittleEndian.INT;

import io.github.ggml4j.format.ModelFormatException;
import io.github.ggml4j.format.internal.MappedFile;
import io.github.ggml4j.internal.Names;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Collections;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A GGUF file, mapped into memory. Its head is read and checked when it is opened; tensor data and
 * metadata arrays are not touched before they are used.
 *
 * <p>Memory management: the object from {@link #open} owns the mapping; segments from {@link #data}
 * and metadata arrays are valid until {@link #close()}. Immutable, may be shared between threads.
 */
public final class GgufFile implements AutoCloseable {

  private final String source;
  private final MemorySegment bytes;
  private final @Nullable MappedFile mapping;
  private final GgufReader head;

  private GgufFile(String source, MemorySegment bytes, @Nullable MappedFile mapping) {
    this.source = source;
    this.bytes = bytes;
    this.mapping = mapping;
    this.head = GgufReader.read(bytes, source);
  }

  /** Whether a file begins as a GGUF file. */
  public static boolean matches(MemorySegment bytes) {
    return bytes.byteSize() >= Integer.BYTES && bytes.get(INT, 0) == GgufReader.MAGIC;
  }

  /**
   * Maps a file and checks its head.
   *
   * @throws ModelFormatException when the file is missing or its head is not valid
   * @throws java.io.UncheckedIOException when it cannot be read
   */
  public static GgufFile open(Path path) {
    MappedFile mapping = MappedFile.open(path);
    try {
      return new GgufFile(path.toString(), mapping.bytes(), mapping);
    } catch (RuntimeException e) {
      mapping.close();
      throw e;
    }
  }

  /**
   * Reads a file that stands in memory already; the memory stays the caller's.
   *
   * @param bytes the whole file
   * @param source name for error messages
   * @throws ModelFormatException when its head is not valid
   */
  public static GgufFile of(MemorySegment bytes, String source) {
    return new GgufFile(source, bytes.asReadOnly(), null);
  }

  /** The name of the file, for messages. */
  public String source() {
    return source;
  }

  /** Version of the format: 2 or 3. */
  public int version() {
    return head.version();
  }

  /** Alignment of every tensor in bytes. */
  public long alignment() {
    return head.alignment();
  }

  /** All metadata by key, in the order of the file. */
  public Map<String, GgufValue> metadata() {
    return Collections.unmodifiableMap(head.metadata());
  }

  /** A metadata value, if there. */
  public Optional<GgufValue> find(String key) {
    return Optional.ofNullable(head.metadata().get(key));
  }

  /**
   * A metadata value that must be there.
   *
   * @throws ModelFormatException when it is missing
   */
  public GgufValue get(String key) {
    return find(key)
        .orElseThrow(() ->
            ModelFormatException.of(
                source,
                "has no metadata " + key,
                "a complete model",
                "Convert the model again with a current llama.cpp or with this library."));
  }

  /** All tensors by name, in the order of the file. */
  public Map<String, GgufTensor> tensors() {
    return Collections.unmodifiableMap(head.tensors());
  }

  /**
   * The bytes of one tensor, read-only.
   *
   * @throws IllegalArgumentException when there is no tensor of this name
   * @throws IllegalStateException after {@link #close()}
   */
  public MemorySegment data(String name) {
    GgufTensor tensor = head.tensors().get(name);
    if (tensor == null) {
      throw new IllegalArgumentException(source + ": has no tensor " + Names.quote(name));
    }
    if (!bytes.scope().isAlive()) {
      throw new IllegalStateException("Already closed: " + source);
    }
    return bytes.asSlice(head.dataStart() + tensor.offset(), tensor.byteSize());
  }

  /** Unmaps the file; further calls have no effect. */
  @Override
  public void close() {
    if (mapping != null) {
      mapping.close();
    }
  }
}
