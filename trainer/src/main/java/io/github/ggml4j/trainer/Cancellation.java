package io.github.ggml4j.trainer;

import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * The wish to stop a training after its running step: the training thread was interrupted, or the
 * JVM is going down (Ctrl-C), which then waits until the model is saved.
 */
final class Cancellation implements AutoCloseable {
  private static final Duration LONGEST_WAIT = Duration.ofMinutes(5);
  private static final long POLL_MILLIS = 200;

  private final Thread trainingThread = Thread.currentThread();
  private final CountDownLatch done = new CountDownLatch(1);
  private final Thread hook = new Thread(this::shutDown, "ggml4j-save-at-exit");
  private volatile boolean goingDown;
  private boolean interrupted;

  Cancellation() {
    try {
      Runtime.getRuntime().addShutdownHook(hook);
    } catch (IllegalStateException e) {
      goingDown = true; // it is on its way down already
    }
  }

  private void shutDown() {
    goingDown = true;
    long deadline = System.nanoTime() + LONGEST_WAIT.toNanos();
    try {
      while (!done.await(POLL_MILLIS, TimeUnit.MILLISECONDS)) {
        if (trainingThreadExits()) {
          return;
        }
        if (System.nanoTime() > deadline) {
          System.getLogger(Cancellation.class.getName())
              .log(System.Logger.Level.WARNING, "Training did not stop in time; nothing was saved");
          return;
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Whether the training thread, in a listener, has called System.exit and waits for this hook. */
  private boolean trainingThreadExits() {
    return Arrays.stream(trainingThread.getStackTrace())
        .anyMatch(frame -> frame.getClassName().equals("java.lang.Shutdown"));
  }

  /**
   * Whether to stop. Takes the interrupt off the thread, so that files can be written; {@link
   * #close} puts it back.
   */
  boolean requested() {
    interrupted |= Thread.interrupted();
    return interrupted || goingDown;
  }

  @Override
  public void close() {
    done.countDown();
    if (!goingDown) {
      try {
        Runtime.getRuntime().removeShutdownHook(hook);
      } catch (IllegalStateException e) {
        goingDown = true; // it began in this moment; the hook ends by itself
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
