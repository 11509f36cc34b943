package io.github.ggml4j.generation;

import io.github.ggml4j.inference.Decoder;
import java.util.ArrayDeque;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Queue;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One call of a generator. It borrows a decoder, returns it at the end, and closes it on failure or
 * cancellation. {@link #close} may be called on any thread; a step that runs then is the last.
 */
final class Generation implements AutoCloseable {
  private final DecoderPool decoders;
  private final Decoder decoder;
  private final Run run;
  private final ReentrantLock lock = new ReentrantLock();
  private volatile boolean cancelled;
  private boolean ended;

  Generation(DecoderPool decoders, int tokens, List<Request> requests, int vocabSize, long seed) {
    this.decoders = decoders;
    decoder = decoders.borrow(tokens);
    try {
      run = Run.of(decoder, requests, vocabSize, seed);
    } catch (RuntimeException | Error e) {
      decoder.close();
      throw e;
    }
  }

  /** Computes one step; returns whether there are more to come. */
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
        ended = true;
        decoder.close();
        throw e;
      }
      if (!more) {
        ended = true;
        decoders.giveBack(decoder);
      }
      return more;
    } finally {
      lock.unlock();
      endIfCancelled();
    }
  }

  List<List<GeneratedSequence>> results() {
    return run.results();
  }

  @Override
  public void close() {
    cancelled = true;
    endIfCancelled();
  }

  /** Closes the decoder unless a step runs; the step calls this again at its end. */
  private void endIfCancelled() {
    while (cancelled && lock.tryLock()) {
      try {
        if (!ended) {
          ended = true;
          decoder.close();
        }
        return;
      } finally {
        lock.unlock();
      }
    }
  }

  /** The tokens; each step is computed when its first token is asked for. */
  Iterator<GeneratedToken> iterator() {
    return new Iterator<>() {
      private final Queue<GeneratedToken> ready = new ArrayDeque<>();
      private boolean more = true;

      @Override
      public boolean hasNext() {
        while (ready.isEmpty() && more && !cancelled) {
          more = advance(ready::add);
        }
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
