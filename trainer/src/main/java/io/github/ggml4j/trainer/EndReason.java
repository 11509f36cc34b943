package io.github.ggml4j.trainer;

/** Why a training ended. */
public enum EndReason {
  /** All epochs are done. */
  EPOCHS,

  /** The number of steps is reached. */
  MAX_STEPS,

  /** A listener stopped it with {@link TrainerControl#stop}. */
  LISTENER,

  /** The training thread was interrupted, or the JVM is shutting down (Ctrl-C). */
  CANCELLED
}
