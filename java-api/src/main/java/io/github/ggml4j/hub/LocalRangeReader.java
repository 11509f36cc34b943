package io.github.ggml4j.hub;

import io.github.ggml4j.internal.Check;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** A file on the disk. */
final class LocalRangeReader implements RangeReader {
  private final String name;
  private final FileChannel channel;
  private final long size;

  LocalRangeReader(String name, Path file) throws IOException {
    this.name = name;
    channel = FileChannel.open(file, StandardOpenOption.READ);
    try {
      size = channel.size();
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public long size() {
    return size;
  }

  @Override
  public boolean isRemote() {
    return false;
  }

  @Override
  public int read(long offset, ByteBuffer target) throws IOException {
    Check.atLeast("offset", offset, 0);
    if (!channel.isOpen()) {
      throw new IllegalStateException("Already closed: " + name);
    }
    if (offset >= size) {
      return -1;
    }
    int done = 0;
    while (target.hasRemaining()) {
      int n = channel.read(target, offset + done);
      if (n < 0) {
        break;
      }
      done += n;
    }
    return done;
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
