package io.github.ggml4j.generation;

import io.github.ggml4j.inference.Decoder;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * Keeps the decoder of the last call for the next, with the graphs and the memory it has built.
 * Thread-safe.
 */
final class DecoderPool implements AutoCloseable {
  private final IntFunction<Decoder> opener;
  private @Nullable Decoder idle;
  private boolean closed;

  /**
   * A pool.
   *
   * @param opener makes a decoder for an expected number of tokens
   */
  DecoderPool(IntFunction<Decoder> opener) {
    this.opener = opener;
  }

  Decoder borrow(int tokens) {
    synchronized (this) {
      if (closed) {
        throw new IllegalStateException("Already closed: generator");
      }
      if (idle != null) {
        var decoder = idle;
        idle = null;
        return decoder;
      }
    }
    return opener.apply(tokens);
  }

  /** Takes back a decoder whose sequences are all released. */
  void giveBack(Decoder decoder) {
    synchronized (this) {
      if (!closed && idle == null) {
        idle = decoder;
        return;
      }
    }
    decoder.close();
  }

  /** Gives back the memory that is kept for the next call. */
  void releaseIdle() {
    Decoder last;
    synchronized (this) {
      last = idle;
      idle = null;
    }
    if (last != null) {
      last.close();
    }
  }

  @Override
  public void close() {
    synchronized (this) {
      closed = true;
    }
    releaseIdle();
  }
}
