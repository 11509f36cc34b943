package io.github.ggml4j.format.internal;

import io.github.ggml4j.format.ModelFormatException;
import io.github.ggml4j.internal.LfsPointer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * A file mapped read-only into memory; nothing is read until it is touched.
 *
 * <p>Memory management: owns the mapping; segments handed out are valid until {@link #close()}.
 */
public final class MappedFile implements AutoCloseable {
  private final Path path;
  private final Arena arena;
  private final MemorySegment bytes;

  private MappedFile(Path path, Arena arena, MemorySegment bytes) {
    this.path = path;
    this.arena = arena;
    this.bytes = bytes;
  }

  /**
   * Maps a whole file.
   *
   * @throws ModelFormatException if it is missing, a folder, or a Git LFS pointer
   * @throws UncheckedIOException when it cannot be read
   */
  @SuppressWarnings("MustBeClosed") // the object made here owns the arena
  public static MappedFile open(Path path) {
    if (Files.isDirectory(path)) {
      throw ModelFormatException.of(
          path.toString(), "is a folder", "a file", "Give the path of the file.");
    }
    Arena arena = Arena.ofShared();
    boolean mapped = false;
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      MemorySegment bytes =
          channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena).asReadOnly();
      LfsPointer.refuse(path.toString(), bytes, ModelFormatException::new);
      mapped = true;
      return new MappedFile(path, arena, bytes);
    } catch (NoSuchFileException e) {
      throw new ModelFormatException(path + ": no such file. Check the path.", e);
    } catch (IOException e) {
      throw new UncheckedIOException(path + ": cannot be read: " + e.getMessage(), e);
    } finally {
      if (!mapped) {
        arena.close();
      }
    }
  }

  /** The path as given. */
  public Path path() {
    return path;
  }

  /** The whole content, read-only. */
  public MemorySegment bytes() {
    return bytes;
  }

  /** Unmaps the file. */
  @Override
  public void close() {
    if (arena.scope().isAlive()) {
      arena.close();
    }
  }
}
