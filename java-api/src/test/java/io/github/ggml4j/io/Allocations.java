package io.github.ggml4j.io;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;

/**
 * How many bytes this thread has allocated, by HotSpot's counter, which our module does not read.
 */
final class Allocations {
  private static final Object BEAN;
  private static final Method COUNTER;

  static {
    try {
      BEAN =
          Class.forName("java.lang.management.ManagementFactory")
              .getMethod("getThreadMXBean")
              .invoke(null);
      COUNTER =
          Class.forName("com.sun.management.ThreadMXBean")
              .getMethod("getCurrentThreadAllocatedBytes");
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private Allocations() {}

  static long ofThisThread() {
    try {
      return (long) COUNTER.invoke(BEAN);
    } catch (IllegalAccessException | InvocationTargetException e) {
      throw new IllegalStateException(e);
    }
  }
}
