package io.github.ggml4j.trainer.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class SequentialInputTest {
  private static final int SIZE = 1 << 20;

  /** A server that answers the first request alone. */
  private static final class Stuck implements OpenFile {
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
    public boolean remote() {
      return true;
    }

    @Override
    public void read(long offset, ByteBuffer target) {
      if (offset > 0) {
        try {
          closed.await();
        } catch (InterruptedException e) {
          throw new DatasetException("interrupted", e);
        }
      }
      target.position(target.limit());
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
