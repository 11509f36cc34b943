package io.github.ggml4j.generation;

import org.jspecify.annotations.Nullable;

/**
 * Why a sequence ends.
 *
 * @param reason null if the sequence continues
 * @param drop bytes that a trimmed stop string removes from the end of the text
 */
record Ending(@Nullable FinishReason reason, int drop) {
  static final Ending NONE = new Ending(null, 0);
}
