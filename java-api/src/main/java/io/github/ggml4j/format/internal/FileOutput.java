package io.github.ggml4j.format.internal;

import io.github.ggml4j.internal.Names;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;

/** Writes from front to back through one buffer. */
public final class FileOutput {
  private final WritableByteChannel channel;
  private final ByteBuffer buffer = ByteBuffer.allocateDirect(1 << 20);
  private final MemorySegment bufferBytes = MemorySegment.ofBuffer(buffer);
  private long position;

  /** Writes to a channel, which stays the caller's. */
  public FileOutput(WritableByteChannel channel) {
    this.channel = channel;
  }

  /** What this writes to. */
  public WritableByteChannel channel() {
    return channel;
  }

  /** Number of bytes written so far. */
  public long position() {
    return position;
  }

  /** Appends bytes of the heap. */
  public void write(byte[] bytes) throws IOException {
    write(MemorySegment.ofArray(bytes));
  }

  /** Appends all bytes of a segment, of heap or native memory. */
  public void write(MemorySegment bytes) throws IOException {
    long done = 0;
    while (done < bytes.byteSize()) {
      if (!buffer.hasRemaining()) {
        flush();
      }
      long count = Math.min(buffer.remaining(), bytes.byteSize() - done);
      MemorySegment.copy(bytes, done, bufferBytes, buffer.position(), count);
      buffer.position(buffer.position() + (int) count);
      done += count;
    }
    position += done;
  }

  /**
   * Appends the data of a tensor.
   *
   * @param byteSize how much its shape and type call for
   * @throws IllegalArgumentException when there is more or less of it
   */
  public void writeTensor(String name, MemorySegment data, long byteSize) throws IOException {
    if (data.byteSize() != byteSize) {
      throw new IllegalArgumentException(
          "the data of tensor "
              + Names.quote(name)
              + " has "
              + data.byteSize()
              + " bytes; expected "
              + byteSize);
    }
    write(data);
  }

  /** Appends zeros up to the next multiple of a power of two. */
  public void align(long alignment) throws IOException {
    write(new byte[Math.toIntExact(-position & (alignment - 1))]);
  }

  /** Passes on what is still buffered. */
  public void flush() throws IOException {
    buffer.flip();
    while (buffer.hasRemaining()) {
      channel.write(buffer);
    }
    buffer.clear();
  }
}
