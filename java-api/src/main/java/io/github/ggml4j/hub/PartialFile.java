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
 * A blob while it is downloaded. What a broken download left is taken over, unless another process
 * is at it: the lock on the file tells. Files that Python downloads have other names and are left
 * alone.
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

  /** The partial file of a blob: one that is there, else a new one. */
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
      throw new IOException("another process took the new file " + path);
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
      // Under the lock nobody renames it; before, its owner may have
      taken = lock != null && Files.exists(path);
      return taken ? new PartialFile(path, channel, lock) : null;
    } catch (OverlappingFileLockException e) {
      return null; // Another thread is at it
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

  /** Makes it the blob. */
  void complete(Path blob) throws IOException {
    channel.force(true);
    HubCache.rename(path, blob);
  }

  /** Removes it: nothing in it is of use. */
  void discard() throws IOException {
    Files.deleteIfExists(path);
  }

  @Override
  public void close() throws IOException {
    if (channel.size() == 0) {
      discard(); // There is nothing to go on with
    }
    if (lock != null && lock.isValid()) {
      lock.release();
    }
    channel.close();
  }
}
