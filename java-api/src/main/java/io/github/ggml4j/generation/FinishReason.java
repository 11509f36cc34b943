package io.github.ggml4j.generation;

/** Why a sequence ended. */
public enum FinishReason {
  /** An end-of-sequence token. It is the last id and is not part of the text. */
  EOS,
  /** A stop string. */
  STOP_STRING,
  /** The maximum length. */
  LENGTH,
  /** The time limit. */
  TIME
}
