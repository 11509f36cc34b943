package io.github.ggml4j;

import io.github.ggml4j.generation.GlobalSeed;
import java.util.Objects;

/** What concerns the library as a whole. */
public final class Ggml4j {
  private Ggml4j() {}

  /**
   * Makes the calls without a seed of their own repeatable, as Hugging Face's {@code set_seed}:
   * after it the first, second and every later one generate what they did after the last time.
   *
   * <p>Thread-safe; when several threads generate, the order of their calls decides.
   */
  public static void setSeed(long seed) {
    GlobalSeed.set(seed);
  }

  /** The version of this library, or {@code unknown} when its classes come from no jar. */
  public static String version() {
    return Objects.requireNonNullElse(
        Ggml4j.class.getPackage().getImplementationVersion(), "unknown");
  }
}
