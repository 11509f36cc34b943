package io.github.ggml4j.trainer.data.internal.files;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.ggml4j.hub.RangeReader;
import io.github.ggml4j.trainer.error.DatasetException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class SequentialInputTest {
  private static final int SIZE = 1 << 20;

  /** A server that answers only the first request. */
  private static final class Stuck implements RangeReader {
    final CountDownLatch closed = new CountDownLatch(1);

    @Override
    public String name() {
      return "stuck";
    }

    @Override
    public long size() {
      return SIZE;
    }

    @Override
    public boolean isRemote() {
      return true;
    }

    @Override
    public int read(long offset, ByteBuffer target) {
      if (offset > 0) {
        try {
          closed.await();
        } catch (InterruptedException e) {
          throw new DatasetException("interrupted", e);
        }
      }
      int count = target.remaining();
      target.position(target.limit());
      return count;
    }

    @Override
    public void close() {
      closed.countDown();
    }
  }

  @Test
  @Timeout(20)
  void anInterruptEndsTheWaitForTheNextBlock() throws IOException {
    try (var in = new SequentialInput(new Stuck())) {
      assertThat(in.readNBytes(100 << 10)).hasSize(100 << 10);
      Thread.currentThread().interrupt();
      assertThatThrownBy(() -> in.readNBytes(100 << 10)).isInstanceOf(CancellationException.class);
      assertThat(Thread.interrupted()).isTrue();
    }
  }
}
