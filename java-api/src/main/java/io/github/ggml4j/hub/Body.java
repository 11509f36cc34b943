package io.github.ggml4j.hub;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The body of a response as a stream with a timeout for the next bytes, which the JDK's own body
 * streams lack. At most two buffers of the connection are in memory.
 */
final class Body extends InputStream implements HttpResponse.BodySubscriber<Body> {
  private sealed interface Piece {}

  private record Bytes(List<ByteBuffer> buffers) implements Piece {}

  private record End() implements Piece {}

  private record Failed(Throwable cause) implements Piece {}

  private final Duration patience;
  private final LinkedBlockingQueue<Piece> pieces = new LinkedBlockingQueue<>();
  private final Deque<ByteBuffer> buffers = new ArrayDeque<>();
  private Flow.@Nullable Subscription subscription;
  private boolean closed;
  private boolean ended;

  /** A body that fails if no data arrives for {@code patience}. */
  Body(Duration patience) {
    this.patience = patience;
  }

  @Override
  public CompletionStage<Body> getBody() {
    return CompletableFuture.completedFuture(this);
  }

  @Override
  public synchronized void onSubscribe(Flow.Subscription incoming) {
    if (closed || subscription != null) {
      incoming.cancel();
      return;
    }
    subscription = incoming;
    incoming.request(1);
  }

  @Override
  public void onNext(List<ByteBuffer> item) {
    pieces.add(new Bytes(item));
  }

  @Override
  public void onError(Throwable throwable) {
    pieces.add(new Failed(throwable));
  }

  @Override
  public void onComplete() {
    pieces.add(new End());
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public int read(byte[] target, int offset, int length) throws IOException {
    if (length == 0) {
      return 0;
    }
    if (!fill()) {
      return -1;
    }
    var buffer = buffers.getFirst();
    int count = Math.min(length, buffer.remaining());
    buffer.get(target, offset, count);
    return count;
  }

  /** Waits until there are bytes; false at the end. */
  private boolean fill() throws IOException {
    while (true) {
      while (!buffers.isEmpty() && !buffers.getFirst().hasRemaining()) {
        buffers.removeFirst();
      }
      if (!buffers.isEmpty()) {
        return true;
      }
      if (ended) {
        return false;
      }
      switch (next()) {
        case Bytes bytes -> {
          buffers.addAll(bytes.buffers());
          requestMore();
        }
        case End _ -> ended = true;
        case Failed failed -> {
          ended = true;
          throw new IOException(
              "the connection broke: " + failed.cause().getMessage(), failed.cause());
        }
      }
    }
  }

  private synchronized void requestMore() {
    if (subscription != null) {
      subscription.request(1);
    }
  }

  private Piece next() throws IOException {
    try {
      var piece = pieces.poll(patience.toMillis(), TimeUnit.MILLISECONDS);
      if (piece == null) {
        throw new HttpTimeoutException("no data received for " + Waiting.seconds(patience));
      }
      return piece;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted");
    }
  }

  /**
   * Reads the whole body of at most {@code limit} bytes.
   *
   * @throws IOException also if the body is longer, or takes more than ten times the timeout
   */
  byte[] readAtMost(int limit) throws IOException {
    var bytes = new ByteArrayOutputStream();
    long deadline = System.nanoTime() + 10 * patience.toNanos();
    byte[] chunk = new byte[16 << 10];
    for (int n = read(chunk, 0, chunk.length); n >= 0; n = read(chunk, 0, chunk.length)) {
      if (bytes.size() + n > limit) {
        throw new IOException("the response has more than " + limit + " bytes");
      }
      if (System.nanoTime() > deadline) {
        throw new HttpTimeoutException("the response did not end in time");
      }
      bytes.write(chunk, 0, n);
    }
    return bytes.toByteArray();
  }

  /** Reads the beginning of the body for a message. Errors and timeouts end it early. */
  byte[] readSome(int limit) {
    byte[] bytes = new byte[limit];
    int count = 0;
    try {
      while (count < limit) {
        int n = read(bytes, count, limit - count);
        if (n < 0) {
          break;
        }
        count += n;
      }
    } catch (IOException e) {
      System.getLogger(Body.class.getName())
          .log(System.Logger.Level.DEBUG, "Cannot read the text of an error", e);
    }
    return Arrays.copyOf(bytes, count);
  }

  @Override
  public synchronized void close() {
    closed = true;
    if (subscription != null) {
      subscription.cancel();
    }
  }
}
