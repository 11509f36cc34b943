package io.github.ggml4j.hub;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;

/**
 * Reads ranges of bytes of one open file: by HTTP range requests, with retries, if the file is on
 * the Hub, or from the disk.
 *
 * <p>Thread-safe: reads are independent of each other.
 */
public interface RangeReader extends AutoCloseable {
  /**
   * Opens a file on the disk.
   *
   * @throws IOException if the file cannot be opened
   */
  static RangeReader open(Path file) throws IOException {
    return new LocalRangeReader(file.toString(), file);
  }

  /** The name of the file for messages: its path, with the repository in front if it has one. */
  String name();

  /** The size in bytes. */
  long size();

  /** Whether each read is a request over the network. */
  boolean isRemote();

  /**
   * Reads from an offset until the buffer is full or the file ends. Each call is one request if the
   * file is remote, so large reads are cheaper than many small ones.
   *
   * @return the number of bytes read: less than the buffer's remaining bytes only at the end of the
   *     file, and -1 if the offset is the size of the file or more
   * @throws IllegalArgumentException if the offset is negative
   * @throws IllegalStateException if this reader is closed
   * @throws IOException if a file on the disk cannot be read
   * @throws HubException if a remote file cannot be read after all retries
   */
  int read(long offset, ByteBuffer target) throws IOException;

  /** Closes the file. Later reads fail; later calls have no effect. */
  @Override
  void close();
}
