package io.github.ggml4j.hub;

import java.nio.ByteBuffer;

/**
 * A file that is read where it lies, piece by piece: on the Hub by HTTP range requests, with
 * retries, or in the cache when it is there. Its content never changes, since it belongs to one
 * commit.
 *
 * <p>Thread-safe: reads are independent of each other.
 */
public interface RemoteFile extends AutoCloseable {
  /** The path in its repository. */
  String path();

  /** The size in bytes. */
  long size();

  /**
   * Reads bytes from an offset until the buffer is full or the file ends. Each call is one request
   * where the file is on the Hub, so ask for much at once.
   *
   * @return how many bytes were read: the buffer's remaining ones, fewer only at the end of the
   *     file, and -1 when the offset is the size of the file or more
   * @throws IllegalArgumentException when the offset is negative
   * @throws IllegalStateException when this is closed
   * @throws HubException when they cannot be read, also after retries
   */
  int read(long offset, ByteBuffer target);

  /** Further reads fail; further calls have no effect. */
  @Override
  void close();
}
