package io.github.ggml4j.trainer;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The batches of one pass; the last one may have fewer sequences than the others. */
final class BatchReader implements AutoCloseable {
  private final Sequences.Pass pass;
  private final TrainingOptions options;
  private final int padToken;

  /** Sequences of the step that is being read, and those that an earlier training had read. */
  private final List<int[]> read = new ArrayList<>();

  private final Deque<int[]> ahead = new ArrayDeque<>();

  BatchReader(Sequences.Pass pass, TrainingOptions options, int padToken) {
    this.pass = pass;
    this.options = options;
    this.padToken = padToken;
  }

  /** Goes on where an earlier one was saved. */
  static BatchReader resume(
      Sequences sequences, int epoch, TrainingOptions options, int padToken, DataInput in)
      throws IOException {
    List<int[]> ahead = Place.readAll(in);
    var reader = new BatchReader(sequences.resume(epoch, in), options, padToken);
    reader.ahead.addAll(ahead);
    return reader;
  }

  /** Writes how far this has come; the step that was read last counts as not taken. */
  void save(DataOutput out) throws IOException {
    List<int[]> untrained = new ArrayList<>(read);
    untrained.addAll(ahead);
    Place.writeAll(out, untrained);
    pass.save(out);
  }

  /** Tells that the step that was read last has been taken. */
  void taken() {
    read.clear();
  }

  private int @Nullable [] next() {
    int[] next = ahead.isEmpty() ? pass.next() : ahead.removeFirst();
    if (next != null) {
      read.add(next);
    }
    return next;
  }

  /** The batches of the next optimizer step; none at the end of the pass. */
  List<Batch> nextStep() {
    List<Batch> step = new ArrayList<>();
    while (step.size() < options.gradientAccumulationSteps()) {
      List<int[]> sequences = new ArrayList<>();
      while (sequences.size() < options.batchSize()) {
        int[] next = next();
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
