package io.github.ggml4j.trainer.data;

import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** A value that is computed on the first call. If the computation fails, the next call retries. */
final class Lazy<T> implements Supplier<T> {

  private final Supplier<T> maker;
  private @Nullable T value;

  Lazy(Supplier<T> maker) {
    this.maker = maker;
  }

  @Override
  public synchronized T get() {
    T made = value;
    if (made == null) {
      made = maker.get();
      value = made;
    }
    return made;
  }
}
