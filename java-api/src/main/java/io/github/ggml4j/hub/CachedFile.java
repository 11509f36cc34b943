package io.github.ggml4j.hub;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** A file that is in the cache. */
final class CachedFile implements RemoteFile {
  private final String path;
  private final Path file;
  private final FileChannel channel;
  private final long size;

  CachedFile(String path, Path file) {
    this.path = path;
    this.file = file;
    try {
      channel = FileChannel.open(file, StandardOpenOption.READ);
      size = channel.size();
    } catch (IOException e) {
      throw Failures.cache(file, e);
    }
  }

  @Override
  public String path() {
    return path;
  }

  @Override
  public long size() {
    return size;
  }

  @Override
  public int read(long offset, ByteBuffer buffer) {
    if (offset < 0) {
      throw new IllegalArgumentException("The offset is " + offset + "; expected at least 0");
    }
    if (!channel.isOpen()) {
      throw new IllegalStateException("Already closed: " + path);
    }
    if (offset >= size) {
      return -1;
    }
    try {
      int done = 0;
      while (buffer.hasRemaining()) {
        int n = channel.read(buffer, offset + done);
        if (n < 0) {
          break;
        }
        done += n;
      }
      return done;
    } catch (IOException e) {
      throw Failures.cache(file, e);
    }
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      throw Failures.cache(file, e);
    }
  }
}
