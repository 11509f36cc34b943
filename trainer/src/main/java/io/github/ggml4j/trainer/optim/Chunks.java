package io.github.ggml4j.trainer.optim;

import io.github.ggml4j.trainer.optim.ParameterVector.Run;
import io.github.ggml4j.trainer.optim.ParameterVector.Slice;
import java.util.List;

/** Cuts vectors into chunks. Limits the memory of the intermediate results of stock ops. */
final class Chunks {
  private static final long ELEMENTS = 1 << 24;

  private Chunks() {}

  /** Adds the ops of one chunk. */
  @FunctionalInterface
  interface Body {
    void accept(long first, long count);
  }

  static void forEach(long length, Body body) {
    for (long first = 0; first < length; first += ELEMENTS) {
      body.accept(first, Math.min(ELEMENTS, length - first));
    }
  }

  /** The most chunks of all runs of some slices, if matrices and vectors are apart, and 2 more. */
  static int count(List<Slice> slices) {
    long chunks = 2;
    for (Run run : ParameterVector.runs(slices)) {
      chunks += run.length() / ELEMENTS + 2;
    }
    return Math.toIntExact(chunks);
  }
}
