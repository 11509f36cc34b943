package io.github.ggml4j.trainer;

import io.github.ggml4j.internal.Check;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * How long a training takes. It ends at the limit that is reached first.
 *
 * @param epochs passes over the data; empty if not set
 * @param maxSteps optimizer steps; empty if not set
 */
record LengthOptions(OptionalInt epochs, OptionalLong maxSteps) {
  LengthOptions {
    epochs.ifPresent(value -> Check.atLeast("epochs", value, 1));
    maxSteps.ifPresent(value -> Check.atLeast("maxSteps", value, 1));
  }

  /**
   * The epochs after which the training ends: the default if no limit is set, and empty if only
   * {@code maxSteps} is set, since the data is then repeated until that many steps are done.
   */
  OptionalInt lastEpoch() {
    return epochs.isPresent() || maxSteps.isPresent()
        ? epochs
        : OptionalInt.of(Trainer.DEFAULT_EPOCHS);
  }
}
