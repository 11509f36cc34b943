package io.github.ggml4j.hub;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Objects;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * The file of a blob while it is downloaded. A download resumes the file of an interrupted one,
 * unless another process has locked it. Partial files of huggingface_hub have other names and are
 * not touched.
 */
final class PartialFile implements AutoCloseable {
  private static final String MARK = ".ggml4j-";
  private static final String SUFFIX = ".incomplete";

  private final Path path;
  private final FileChannel channel;
  private final @Nullable FileLock lock;

  private PartialFile(Path path, FileChannel channel, @Nullable FileLock lock) {
    this.path = path;
    this.channel = channel;
    this.lock = lock;
  }

  /** Opens an existing partial file of a blob, or creates one if there is none. */
  static PartialFile of(Path blob) throws IOException {
    try (DirectoryStream<Path> leftovers =
        Files.newDirectoryStream(
            Objects.requireNonNull(blob.getParent()), blob.getFileName() + MARK + "*" + SUFFIX)) {
      for (Path leftover : leftovers) {
        var taken = take(leftover, StandardOpenOption.WRITE);
        if (taken != null) {
          return taken;
        }
      }
    }
    var unique = UUID.randomUUID().toString().substring(0, 8);
    var path = blob.resolveSibling(blob.getFileName() + MARK + unique + SUFFIX);
    var created = take(path, StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW);
    if (created == null) {
      throw new IOException("another process locked the new file " + path);
    }
    return created;
  }

  private static @Nullable PartialFile take(Path path, StandardOpenOption... options)
      throws IOException {
    FileChannel channel;
    try {
      channel = FileChannel.open(path, options);
    } catch (NoSuchFileException e) {
      return null;
    }
    boolean taken = false;
    try {
      var lock = lock(channel);
      // The previous owner may have renamed it before the lock was acquired
      taken = lock != null && Files.exists(path);
      return taken ? new PartialFile(path, channel, lock) : null;
    } catch (OverlappingFileLockException e) {
      return null; // Another thread downloads it
    } finally {
      if (!taken) {
        channel.close();
      }
    }
  }

  private static @Nullable FileLock lock(FileChannel channel) throws IOException {
    return channel.tryLock();
  }

  Path path() {
    return path;
  }

  FileChannel channel() {
    return channel;
  }

  /** Renames it to the blob, after its content is on the disk. */
  void complete(Path blob) throws IOException {
    channel.force(true);
    HubCache.rename(path, blob);
  }

  /** Deletes it, because its content is useless. */
  void discard() throws IOException {
    Files.deleteIfExists(path);
  }

  @Override
  public void close() throws IOException {
    if (channel.size() == 0) {
      discard(); // There is nothing to resume
    }
    if (lock != null && lock.isValid()) {
      lock.release();
    }
    channel.close();
  }
}
