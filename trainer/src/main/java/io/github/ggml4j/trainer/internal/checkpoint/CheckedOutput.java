package io.github.ggml4j.trainer.internal.checkpoint;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.zip.CRC32C;

/** Writes a new file and computes its size and checksum. */
final class CheckedOutput implements WritableByteChannel {
  private final FileChannel file;
  private final CRC32C checksum = new CRC32C();
  private long size;

  CheckedOutput(Path path) throws IOException {
    this.file = FileChannel.open(path, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
  }

  @Override
  public int write(ByteBuffer bytes) throws IOException {
    var written = bytes.duplicate();
    int count = file.write(bytes);
    checksum.update(written.limit(written.position() + count));
    size += count;
    return count;
  }

  FileEntry entry() {
    return new FileEntry(size, checksum.getValue());
  }

  /** Writes what the system has buffered to the disk. */
  void force() throws IOException {
    file.force(true);
  }

  @Override
  public boolean isOpen() {
    return file.isOpen();
  }

  @Override
  public void close() throws IOException {
    file.close();
  }
}
