package io.github.ggml4j.generation;

import io.github.ggml4j.inference.Decoder;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/** Keeps one decoder for the next call, with its graphs and memory. Thread-safe. */
final class DecoderPool implements AutoCloseable {
  private final IntFunction<Decoder> opener;
  private @Nullable Decoder idle;
  private boolean closed;

  /**
   * A pool.
   *
   * @param opener creates a decoder for an expected number of tokens
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

  /** Returns a decoder, all of whose sequences are released. */
  void giveBack(Decoder decoder) {
    synchronized (this) {
      if (!closed && idle == null) {
        idle = decoder;
        return;
      }
    }
    decoder.close();
  }

  /** Closes the decoder that is kept for the next call. */
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
