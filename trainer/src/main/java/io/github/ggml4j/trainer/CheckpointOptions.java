package io.github.ggml4j.trainer;

import io.github.ggml4j.error.InvalidArgumentException;
import io.github.ggml4j.internal.Check;
import java.nio.file.Path;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * Where and when checkpoints are written.
 *
 * @param folder null for no checkpoints
 * @param saveSteps steps from one to the next; 0 for none but after an interruption; empty for the
 *     default
 * @param saveTotalLimit how many to keep; empty for the default
 * @param resume whether to resume from the newest
 */
record CheckpointOptions(
    @Nullable Path folder, OptionalLong saveSteps, OptionalInt saveTotalLimit, boolean resume) {
  CheckpointOptions {
    saveSteps.ifPresent(value -> Check.atLeast("saveSteps", value, 0));
    saveTotalLimit.ifPresent(value -> Check.atLeast("saveTotalLimit", value, 1));
    if (folder == null) {
      refuse("saveSteps", saveSteps.isPresent());
      refuse("saveTotalLimit", saveTotalLimit.isPresent());
      refuse("resume", resume);
    }
  }

  private static void refuse(String name, boolean set) {
    if (set) {
      throw new InvalidArgumentException(
          name, "set", "not set without {checkpoints}", "Set {checkpoints} to a folder.");
    }
  }

  /** Whether a checkpoint is written after a step. */
  boolean savesAfter(long step) {
    long every = saveSteps.orElse(Trainer.DEFAULT_SAVE_STEPS);
    return folder != null && every > 0 && step % every == 0;
  }
}
