package io.github.ggml4j.generation;

import io.github.ggml4j.inference.Decoder;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Keeps at most one decoder for the next call, with its graphs and memory. A call that runs beside
 * another opens a decoder of its own. Thread-safe.
 */
final class SpareDecoder implements AutoCloseable {
  /** Opens a decoder. */
  @FunctionalInterface
  interface Opener {
    /**
     * Opens a decoder.
     *
     * @param tokens the expected number of tokens
     * @param adapter name of the model's adapter that it uses; null for none
     */
    Decoder open(int tokens, @Nullable String adapter);
  }

  private final Opener opener;
  private @Nullable Decoder spare;

  /** The adapter of the spare decoder. */
  private @Nullable String adapterOfSpare;

  private boolean closed;

  /**
   * No decoder yet.
   *
   * @param opener creates the decoders
   */
  SpareDecoder(Opener opener) {
    this.opener = opener;
  }

  /**
   * Returns the spare decoder if it uses the same adapter, or opens one for an expected number of
   * tokens.
   */
  Decoder borrow(int tokens, @Nullable String adapter) {
    synchronized (this) {
      if (closed) {
        throw new IllegalStateException("Already closed: generator");
      }
      if (spare != null && Objects.equals(adapter, adapterOfSpare)) {
        var decoder = spare;
        spare = null;
        return decoder;
      }
    }
    return opener.open(tokens, adapter);
  }

  /**
   * Takes back a decoder, all of whose sequences are released. Closes it if there is a spare one
   * with the same adapter; replaces one with another adapter.
   */
  void giveBack(Decoder decoder, @Nullable String adapter) {
    Decoder unused = decoder;
    synchronized (this) {
      if (!closed && (spare == null || !Objects.equals(adapter, adapterOfSpare))) {
        unused = spare;
        spare = decoder;
        adapterOfSpare = adapter;
      }
    }
    if (unused != null) {
      unused.close();
    }
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
