package io.github.ggml4j.trainer.data;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** A file on this machine. */
record LocalFile(Path path) implements RowFile {

  @Override
  public String name() {
    return path.toString();
  }

  @Override
  public OpenFile open() {
    InputFiles.checkReadable(path);
    try {
      FileChannel channel = FileChannel.open(path, StandardOpenOption.READ);
      try {
        return new Open(name(), channel, channel.size());
      } catch (IOException | RuntimeException e) {
        channel.close();
        throw e;
      }
    } catch (IOException e) {
      throw InputFiles.unreadable(name(), e);
    }
  }

  private record Open(String name, FileChannel channel, long size) implements OpenFile {

    @Override
    public boolean remote() {
      return false;
    }

    @Override
    public void read(long offset, ByteBuffer target) {
      try {
        long at = offset;
        while (target.hasRemaining()) {
          int read = channel.read(target, at);
          if (read < 0) {
            throw new DatasetException(
                name + " ends at byte " + at + ", where " + target.remaining() + " more were due");
          }
          at += read;
        }
      } catch (IOException e) {
        throw InputFiles.unreadable(name, e);
      }
    }

    @Override
    public void close() {
      try {
        channel.close();
      } catch (IOException e) {
        throw InputFiles.unreadable(name, e);
      }
    }
  }
}
