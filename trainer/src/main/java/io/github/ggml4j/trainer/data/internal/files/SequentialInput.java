package io.github.ggml4j.trainer.data.internal.files;

import io.github.ggml4j.hub.RangeReader;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * Reads a file sequentially in blocks. The first blocks are small, to return the first rows early;
 * later blocks are larger. The next block of a remote file is fetched in the background.
 *
 * <p>Not thread-safe.
 */
public final class SequentialInput extends InputStream {

  private static final int FIRST_BLOCK = 128 << 10;
  private static final int MAX_BLOCK = 4 << 20;

  private final RangeReader file;
  private ByteBuffer block = ByteBuffer.allocate(0);
  private long fetched;
  private int nextBlock = FIRST_BLOCK;
  private @Nullable CompletableFuture<ByteBuffer> prefetched;

  /**
   * A stream over a file.
   *
   * @param file closed with this stream
   */
  public SequentialInput(RangeReader file) {
    this.file = file;
  }

  @Override
  public int read() {
    return fill() ? block.get() & 0xFF : -1;
  }

  @Override
  public int read(byte[] target, int offset, int length) {
    if (length == 0) {
      return 0;
    }
    if (!fill()) {
      return -1;
    }
    int count = Math.min(length, block.remaining());
    block.get(target, offset, count);
    return count;
  }

  /** Positive before the end of the file. GZIPInputStream stops after a member if this is 0. */
  @Override
  public int available() {
    return (int) Math.min(Integer.MAX_VALUE, block.remaining() + file.size() - fetched);
  }

  private boolean fill() {
    if (block.hasRemaining()) {
      return true;
    }
    if (fetched >= file.size()) {
      return false;
    }
    block = prefetched == null ? fetch(fetched, blockLength(fetched)) : await(prefetched);
    prefetched = null;
    fetched += block.remaining();
    nextBlock = Math.min(MAX_BLOCK, nextBlock * 2);
    if (file.isRemote() && fetched < file.size()) {
      prefetch();
    }
    return true;
  }

  private void prefetch() {
    long from = fetched;
    int length = blockLength(from);
    CompletableFuture<ByteBuffer> next = new CompletableFuture<>();
    prefetched = next;
    Thread.ofVirtual()
        .start(() -> {
          try {
            next.complete(fetch(from, length));
          } catch (RuntimeException | Error e) {
            next.completeExceptionally(e);
          }
        });
  }

  private int blockLength(long offset) {
    return (int) Math.min(nextBlock, file.size() - offset);
  }

  private ByteBuffer fetch(long offset, int length) {
    ByteBuffer buffer = ByteBuffer.allocate(length);
    InputFiles.readFully(file, offset, buffer);
    return buffer.flip();
  }

  /** Waits for a block. An interrupt ends the wait. */
  private static ByteBuffer await(CompletableFuture<ByteBuffer> future) {
    try {
      return future.get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CancellationException("Interrupted");
    } catch (ExecutionException e) {
      if (e.getCause() instanceof RuntimeException cause) {
        throw cause;
      }
      throw new IllegalStateException(e.getCause());
    }
  }

  @Override
  public void close() {
    file.close();
  }
}
