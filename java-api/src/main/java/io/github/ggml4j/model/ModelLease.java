package io.github.ggml4j.model;

import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Marks a model as in use: {@link Gpt2Model#close} is refused until the lease is closed. See {@link
 * Gpt2Model#lease}.
 *
 * <p>Thread-safe; closing twice is allowed.
 */
public final class ModelLease implements AutoCloseable {
  private final Runnable release;
  private final AtomicBoolean closed = new AtomicBoolean();

  ModelLease(Runnable release) {
    this.release = release;
  }

  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      release.run();
    }
  }
}
