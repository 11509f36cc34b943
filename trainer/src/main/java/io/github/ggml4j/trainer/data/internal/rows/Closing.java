package io.github.ggml4j.trainer.data.internal.rows;

import java.util.function.Supplier;

/** Closes a resource if the constructor of its owner fails. */
final class Closing {

  private Closing() {}

  static <T> T onFailure(AutoCloseable resource, Supplier<T> owner) {
    try {
      return owner.get();
    } catch (RuntimeException | Error e) {
      try {
        resource.close();
      } catch (Exception suppressed) {
        e.addSuppressed(suppressed);
      }
      throw e;
    }
  }
}
