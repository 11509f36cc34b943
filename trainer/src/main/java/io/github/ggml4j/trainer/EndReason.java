package io.github.ggml4j.trainer;

/** Why a training ended. */
public enum EndReason {
  /** All epochs are done. */
  EPOCHS,

  /** The number of steps is reached. */
  MAX_STEPS,

  /** As many evaluations as {@link Trainer#earlyStoppingPatience} brought no improvement. */
  EARLY_STOPPING,

  /** A listener stopped it with {@link TrainerControl#stop}. */
  LISTENER,

  /** The training thread was interrupted, or the JVM is shutting down (Ctrl-C). */
  CANCELLED
}
