package io.github.ggml4j.generation;

import io.github.ggml4j.inference.Decoder;
import java.util.ArrayDeque;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Queue;
import java.util.concurrent.CancellationException;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One call of a generator. It borrows a decoder, returns it at the end, and closes it on failure or
 * cancellation. {@link #close} may be called on any thread; a step that is running is completed.
 */
final class Generation implements AutoCloseable {
  private final SpareDecoder decoders;
  private final Decoder decoder;
  private final @Nullable String adapter;
  private final Run run;
  private final Consumer<Generation> onEnd;
  private final ReentrantLock lock = new ReentrantLock();
  private volatile boolean cancelled;
  private volatile boolean cancelledByOther;
  private boolean ended;

  /**
   * Starts.
   *
   * @param adapter name of the model's adapter; null for none
   * @param onEnd called once, when the decoder is returned or closed
   */
  Generation(
      SpareDecoder decoders,
      int tokens,
      @Nullable String adapter,
      List<Request> requests,
      int vocabSize,
      long seed,
      Consumer<Generation> onEnd) {
    this.decoders = decoders;
    this.onEnd = onEnd;
    this.adapter = adapter;
    decoder = decoders.borrow(tokens, adapter);
    try {
      run = Run.of(decoder, requests, vocabSize, seed);
    } catch (RuntimeException | Error e) {
      decoder.close();
      throw e;
    }
  }

  /** Computes one step; returns whether more steps follow. */
  boolean advance(Consumer<? super GeneratedToken> listener) {
    lock.lock();
    try {
      if (ended || cancelled) {
        return false;
      }
      boolean more;
      try {
        more = run.advance(listener::accept);
      } catch (RuntimeException | Error e) {
        end(false);
        throw e;
      }
      if (!more) {
        end(true);
      }
      return more;
    } finally {
      lock.unlock();
      endIfCancelled();
    }
  }

  /**
   * Keeps the decoder for the next call if it is reusable, else closes it. The caller holds the
   * lock.
   */
  private void end(boolean reusable) {
    ended = true;
    try {
      if (reusable) {
        decoders.giveBack(decoder, adapter);
      } else {
        decoder.close();
      }
    } finally {
      onEnd.accept(this);
    }
  }

  List<List<GeneratedSequence>> results() {
    checkNotCancelledByOther();
    return run.results();
  }

  private void checkNotCancelledByOther() {
    if (cancelledByOther) {
      throw new CancellationException("The generator was closed while this generation was running");
    }
  }

  /**
   * Ends the generation for another caller. Waits for a running step unless this thread runs it.
   * Readers of its tokens get a {@link CancellationException}.
   */
  void cancel() {
    cancelledByOther = true;
    cancelled = true;
    if (!lock.isHeldByCurrentThread()) {
      lock.lock();
      try {
        if (!ended) {
          end(false);
        }
      } finally {
        lock.unlock();
      }
    }
  }

  @Override
  public void close() {
    cancelled = true;
    endIfCancelled();
  }

  /** Closes the decoder unless a step is running; that step calls this again when it has ended. */
  private void endIfCancelled() {
    while (cancelled && lock.tryLock()) {
      try {
        if (!ended) {
          end(false);
        }
        return;
      } finally {
        lock.unlock();
      }
    }
  }

  /** The tokens. A step is computed when its first token is requested. */
  Iterator<GeneratedToken> iterator() {
    return new Iterator<>() {
      private final Queue<GeneratedToken> ready = new ArrayDeque<>();
      private boolean more = true;

      @Override
      public boolean hasNext() {
        while (ready.isEmpty() && more && !cancelled) {
          more = advance(ready::add);
        }
        checkNotCancelledByOther();
        return !ready.isEmpty() && !cancelled;
      }

      @Override
      public GeneratedToken next() {
        @Nullable GeneratedToken token = hasNext() ? ready.poll() : null;
        if (token == null) {
          throw new NoSuchElementException("No more tokens");
        }
        return token;
      }
    };
  }
}
