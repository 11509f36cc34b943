package io.github.ggml4j.format.safetensors;

import io.github.ggml4j.format.ModelFormatException;
import io.github.ggml4j.format.internal.MappedFile;
import io.github.ggml4j.internal.Names;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Collections;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A safetensors file, mapped into memory. Its header is read and checked when it is opened; tensor
 * data is not touched before it is used.
 *
 * <p>Memory management: the object from {@link #open} owns the mapping; segments from {@link #data}
 * are valid until {@link #close()}. Immutable, may be shared between threads.
 */
public final class SafetensorsFile implements AutoCloseable {
  private final String source;
  private final SafetensorsHeader header;
  private final MemorySegment bytes;
  private final @Nullable MappedFile mapping;

  private SafetensorsFile(String source, MemorySegment bytes, @Nullable MappedFile mapping) {
    this.source = source;
    this.bytes = bytes;
    this.mapping = mapping;
    this.header = SafetensorsHeader.parse(bytes, source);
  }

  /**
   * Maps a file and checks its header.
   *
   * @throws ModelFormatException when the file is missing or its header is not valid
   * @throws java.io.UncheckedIOException when it cannot be read
   */
  public static SafetensorsFile open(Path path) {
    MappedFile mapping = MappedFile.open(path);
    try {
      return new SafetensorsFile(path.toString(), mapping.bytes(), mapping);
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
   * @throws ModelFormatException when its header is not valid
   */
  public static SafetensorsFile of(MemorySegment bytes, String source) {
    return new SafetensorsFile(source, bytes.asReadOnly(), null);
  }

  /** All tensors by name, in the order of their data. */
  public Map<String, SafetensorsEntry> tensors() {
    return Collections.unmodifiableMap(header.tensors());
  }

  /** The file's free-form metadata, such as {@code format: pt}; empty when there is none. */
  public Map<String, String> metadata() {
    return Collections.unmodifiableMap(header.metadata());
  }

  /**
   * The bytes of one tensor, read-only.
   *
   * @throws IllegalArgumentException when there is no tensor of this name
   * @throws IllegalStateException after {@link #close()}
   */
  public MemorySegment data(String name) {
    SafetensorsEntry entry = header.tensors().get(name);
    if (entry == null) {
      throw new IllegalArgumentException(source + ": has no tensor " + Names.quote(name));
    }
    if (!bytes.scope().isAlive()) {
      throw new IllegalStateException("Already closed: " + source);
    }
    return bytes.asSlice(header.dataStart() + entry.begin(), entry.byteSize());
  }

  /** Unmaps the file; further calls have no effect. */
  @Override
  public void close() {
    if (mapping != null) {
      mapping.close();
    }
  }
}
