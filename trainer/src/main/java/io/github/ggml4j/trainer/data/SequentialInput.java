package io.github.ggml4j.trainer.data;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * A file from its start to its end, in blocks: small ones first, so that the first rows come soon,
 * then large ones. Of a file behind the network the next block is fetched while one is read.
 */
final class SequentialInput extends InputStream {

  private static final int FIRST_BLOCK = 128 << 10;
  private static final int LARGEST_BLOCK = 4 << 20;

  private final OpenFile file;
  private ByteBuffer block = ByteBuffer.allocate(0);
  private long fetched;
  private int nextBlock = FIRST_BLOCK;
  private @Nullable CompletableFuture<ByteBuffer> ahead;

  SequentialInput(OpenFile file) {
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

  /** Not 0 before the end: GZIPInputStream takes that for the end of the last member. */
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
    block = ahead == null ? fetch(fetched, blockAt(fetched)) : await(ahead);
    ahead = null;
    fetched += block.remaining();
    nextBlock = Math.min(LARGEST_BLOCK, nextBlock * 2);
    if (file.remote() && fetched < file.size()) {
      long from = fetched;
      int length = blockAt(from);
      CompletableFuture<ByteBuffer> next = new CompletableFuture<>();
      ahead = next;
      Thread.ofVirtual()
          .start(() -> {
            try {
              next.complete(fetch(from, length));
            } catch (RuntimeException | Error e) {
              next.completeExceptionally(e);
            }
          });
    }
    return true;
  }

  private int blockAt(long offset) {
    return (int) Math.min(nextBlock, file.size() - offset);
  }

  private ByteBuffer fetch(long offset, int length) {
    ByteBuffer buffer = ByteBuffer.allocate(length);
    file.read(offset, buffer);
    return buffer.flip();
  }

  /** An interrupt ends the wait: a server may take its time. */
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
  public void close() throws IOException {
    file.close();
  }
}
