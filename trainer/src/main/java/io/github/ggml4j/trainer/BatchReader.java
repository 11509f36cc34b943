package io.github.ggml4j.trainer;

import java.util.ArrayList;
import java.util.List;

/** The batches of one pass; the last one may have fewer sequences than the others. */
final class BatchReader implements AutoCloseable {
  private final Sequences.Pass pass;
  private final TrainingOptions options;
  private final int padToken;

  BatchReader(Sequences.Pass pass, TrainingOptions options, int padToken) {
    this.pass = pass;
    this.options = options;
    this.padToken = padToken;
  }

  /** The batches of the next optimizer step; none at the end of the pass. */
  List<Batch> nextStep() {
    List<Batch> step = new ArrayList<>();
    while (step.size() < options.gradientAccumulationSteps()) {
      List<int[]> sequences = new ArrayList<>();
      while (sequences.size() < options.batchSize()) {
        int[] next = pass.next();
        if (next == null) {
          break;
        }
        sequences.add(next);
      }
      if (sequences.isEmpty()) {
        break;
      }
      step.add(
          options.padding() == Padding.LEARNED
              ? Batch.learned(sequences, options.maxSequenceLength(), padToken)
              : Batch.masked(sequences, options.maxSequenceLength(), padToken));
    }
    return step;
  }

  @Override
  public void close() {
    pass.close();
  }
}
