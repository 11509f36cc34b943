package io.github.ggml4j.generation;

import org.jspecify.annotations.Nullable;

/**
 * Whether and why a sequence ends.
 *
 * @param drop bytes of the text that a stop string takes away
 */
record Ending(@Nullable FinishReason reason, int drop) {
  static final Ending NONE = new Ending(null, 0);
}
