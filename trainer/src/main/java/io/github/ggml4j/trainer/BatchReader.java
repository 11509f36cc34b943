package io.github.ggml4j.trainer;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Reads the batches of one epoch. The last batch may have fewer sequences than the others. */
final class BatchReader implements AutoCloseable {
  private final Sequences.Cursor sequences;
  private final TrainingOptions options;
  private final int padToken;

  /** Sequences of the current step. A checkpoint includes them until the step is done. */
  private final List<int[]> current = new ArrayList<>();

  /** Sequences of an unfinished step, restored from a checkpoint. They are returned first. */
  private final Deque<int[]> restored = new ArrayDeque<>();

  BatchReader(Sequences.Cursor sequences, TrainingOptions options, int padToken) {
    this.sequences = sequences;
    this.options = options;
    this.padToken = padToken;
  }

  /** Resumes where an earlier reader was {@linkplain #save saved}. */
  static BatchReader resume(
      Sequences sequences, int epoch, TrainingOptions options, int padToken, DataInput in)
      throws IOException {
    List<int[]> restored = IntArrays.readAll(in);
    var reader = new BatchReader(sequences.resume(epoch, in), options, padToken);
    reader.restored.addAll(restored);
    return reader;
  }

  /** Writes the position after the last step that was {@linkplain #stepDone done}. */
  void save(DataOutput out) throws IOException {
    List<int[]> notDone = new ArrayList<>(current);
    notDone.addAll(restored);
    IntArrays.writeAll(out, notDone);
    sequences.save(out);
  }

  /** Marks the current step as done. */
  void stepDone() {
    current.clear();
  }

  private int @Nullable [] next() {
    int[] next = restored.isEmpty() ? sequences.next() : restored.removeFirst();
    if (next != null) {
      current.add(next);
    }
    return next;
  }

  /** The batches of the next optimizer step; empty at the end of the epoch. */
  List<Batch> nextStep() {
    SequenceOptions form = options.sequences();
    List<Batch> step = new ArrayList<>();
    while (step.size() < options.batches().gradientAccumulationSteps()) {
      List<int[]> batch = new ArrayList<>();
      while (batch.size() < options.batches().batchSize()) {
        int[] next = next();
        if (next == null) {
          break;
        }
        batch.add(next);
      }
      if (batch.isEmpty()) {
        break;
      }
      step.add(
          form.padding() == Padding.LEARNED
              ? Batch.learned(batch, form.maxSequenceLength(), padToken)
              : Batch.masked(batch, form.maxSequenceLength(), padToken));
    }
    return step;
  }

  @Override
  public void close() {
    sequences.close();
  }
}
