package io.github.ggml4j.generation;

import io.github.ggml4j.inference.Decoder;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * Keeps at most one decoder for the next call, with its graphs and memory. A call that runs beside
 * another opens a decoder of its own. Thread-safe.
 */
final class SpareDecoder implements AutoCloseable {
  private final IntFunction<Decoder> opener;
  private @Nullable Decoder spare;
  private boolean closed;

  /**
   * No decoder yet.
   *
   * @param opener creates a decoder for an expected number of tokens
   */
  SpareDecoder(IntFunction<Decoder> opener) {
    this.opener = opener;
  }

  /** Returns the spare decoder, or opens one for an expected number of tokens. */
  Decoder borrow(int tokens) {
    synchronized (this) {
      if (closed) {
        throw new IllegalStateException("Already closed: generator");
      }
      if (spare != null) {
        var decoder = spare;
        spare = null;
        return decoder;
      }
    }
    return opener.apply(tokens);
  }

  /**
   * Takes back a decoder, all of whose sequences are released. Closes it if there is a spare one.
   */
  void giveBack(Decoder decoder) {
    synchronized (this) {
      if (!closed && spare == null) {
        spare = decoder;
        return;
      }
    }
    decoder.close();
  }

  /** Closes the decoder that is kept for the next call. */
  void releaseSpare() {
    Decoder last;
    synchronized (this) {
      last = spare;
      spare = null;
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
    releaseSpare();
  }
}
