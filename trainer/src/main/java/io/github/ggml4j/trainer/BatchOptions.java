package io.github.ggml4j.trainer;

import io.github.ggml4j.internal.Check;
import java.util.function.BiConsumer;

/**
 * How sequences become the batches of a step.
 *
 * @param batchSize sequences in each batch
 * @param gradientAccumulationSteps batches in each optimizer step
 * @param shuffle whether to shuffle the sequences in each epoch
 */
record BatchOptions(int batchSize, int gradientAccumulationSteps, boolean shuffle) {
  BatchOptions {
    Check.atLeast("batchSize", batchSize, 1);
    Check.atLeast("gradientAccumulationSteps", gradientAccumulationSteps, 1);
  }

  long sequencesPerStep() {
    return (long) batchSize * gradientAccumulationSteps;
  }

  /** Passes each option that changes the result of a training to a consumer, by name. */
  void identity(BiConsumer<String, Object> out) {
    out.accept("batchSize", batchSize);
    out.accept("gradientAccumulationSteps", gradientAccumulationSteps);
    out.accept("shuffle", shuffle);
  }
}
