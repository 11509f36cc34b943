package io.github.ggml4j.cli;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * On shutdown (Ctrl-C), interrupts the thread that created this object and waits until it has
 * deleted partly written files.
 */
final class StopAtExit implements AutoCloseable {
  private static final long MAX_WAIT_SECONDS = 30;

  private final Thread worker = Thread.currentThread();
  private final CountDownLatch done = new CountDownLatch(1);
  private final Thread hook = new Thread(this::stop, "ggml4j-stop-at-exit");

  StopAtExit() {
    Runtime.getRuntime().addShutdownHook(hook);
  }

  private void stop() {
    worker.interrupt();
    try {
      boolean ended = done.await(MAX_WAIT_SECONDS, TimeUnit.SECONDS);
      if (!ended) {
        System.getLogger(StopAtExit.class.getName())
            .log(System.Logger.Level.WARNING, "The running command did not stop in time");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void close() {
    done.countDown();
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      // The process is ending: the hook ends by itself.
      return;
    }
  }
}
