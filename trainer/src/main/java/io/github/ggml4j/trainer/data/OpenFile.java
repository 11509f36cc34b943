package io.github.ggml4j.trainer.data;

import java.nio.ByteBuffer;

/** An open file that is read at any place, by several threads if need be. */
interface OpenFile extends AutoCloseable {

  /** What the file is called in messages. */
  String name();

  /** Size in bytes. */
  long size();

  /** Whether each read is a request over the network. */
  boolean remote();

  /**
   * Fills the buffer from an offset on.
   *
   * @throws DatasetException if the file cannot be read, or ends before the buffer is full
   */
  void read(long offset, ByteBuffer target);

  @Override
  void close();
}
