package io.github.ggml4j.tensor.internal;

import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Parameter types of those methods of {@code Device} that only ggml4j's own modules call. The
 * methods are public because the callers are in other packages. This package is exported to
 * ggml4j's modules alone, so other modules cannot pass these types.
 */
public final class DeviceAccess {
  private DeviceAccess() {}

  /**
   * What runs while nothing else runs on the device.
   *
   * @param <T> its result
   */
  @FunctionalInterface
  public interface Action<T extends @Nullable Object> extends Supplier<T> {}

  /** What runs between computations. */
  @FunctionalInterface
  public interface Task extends Runnable {}

  /**
   * What is called with each graph before its memory is allocated.
   *
   * @param <G> a graph
   */
  @FunctionalInterface
  public interface BuildListener<G> extends Consumer<G> {}
}
