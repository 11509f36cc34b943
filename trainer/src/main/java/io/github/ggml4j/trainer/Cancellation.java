package io.github.ggml4j.trainer;

import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Requests that a training stops after the current step: when the training thread is interrupted,
 * or when the JVM shuts down (Ctrl-C). The shutdown waits until the model is saved.
 */
final class Cancellation implements AutoCloseable {
  private static final Duration MAX_WAIT = Duration.ofMinutes(5);
  private static final long POLL_MILLIS = 200;

  private final Thread trainingThread = Thread.currentThread();
  private final CountDownLatch done = new CountDownLatch(1);
  private final Thread hook = new Thread(this::shutDown, "ggml4j-save-at-exit");
  private volatile boolean shuttingDown;
  private boolean interrupted;

  Cancellation() {
    try {
      Runtime.getRuntime().addShutdownHook(hook);
    } catch (IllegalStateException e) {
      shuttingDown = true; // the shutdown has begun already
    }
  }

  private void shutDown() {
    shuttingDown = true;
    long deadline = System.nanoTime() + MAX_WAIT.toNanos();
    try {
      while (!done.await(POLL_MILLIS, TimeUnit.MILLISECONDS)) {
        if (trainingThreadExits()) {
          return;
        }
        if (System.nanoTime() > deadline) {
          System.getLogger(Cancellation.class.getName())
              .log(
                  System.Logger.Level.WARNING,
                  "The training did not stop within 5 minutes; nothing was saved");
          return;
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Whether the training thread called System.exit in a listener; it then waits for this hook. */
  private boolean trainingThreadExits() {
    return Arrays.stream(trainingThread.getStackTrace())
        .anyMatch(frame -> frame.getClassName().equals("java.lang.Shutdown"));
  }

  /**
   * Whether to stop. Clears the thread's interrupt flag, since an interrupt would make writing
   * files fail; {@link #close} sets it again.
   */
  boolean requested() {
    interrupted |= Thread.interrupted();
    return interrupted || shuttingDown;
  }

  @Override
  public void close() {
    done.countDown();
    if (!shuttingDown) {
      try {
        Runtime.getRuntime().removeShutdownHook(hook);
      } catch (IllegalStateException e) {
        shuttingDown = true; // the shutdown has just begun; the hook ends by itself
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
