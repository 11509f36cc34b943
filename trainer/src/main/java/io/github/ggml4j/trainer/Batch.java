package io.github.ggml4j.trainer;

import io.github.ggml4j.trainer.internal.engine.TrainingEngine;
import java.util.Arrays;
import java.util.List;

/**
 * Sequences padded on the right to the same length, (B, T) row-major.
 *
 * <p>There is no attention mask. Under causal attention no token attends to the padding on its
 * right, so a mask would change neither loss nor gradients. It would need a second graph for each
 * shape.
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
record Batch(int[] tokens, int[] labels, int size, int length, int tokenCount, int labelCount) {

  /** Lengths are rounded up to a multiple of this, to limit the number of graph shapes. */
  private static final int LENGTH_STEP = 16;

  private static int rounded(int length) {
    return (length + LENGTH_STEP - 1) / LENGTH_STEP * LENGTH_STEP;
  }

  /** Length of a batch whose longest sequence has {@code longest} tokens. */
  static int paddedLength(int longest, SequenceOptions options) {
    return options.padding() == Padding.LEARNED
        ? options.maxSequenceLength()
        : Math.min(options.maxSequenceLength(), rounded(longest));
  }

  /** Pads to the rounded length of the longest sequence; the loss ignores the padding. */
  static Batch masked(List<int[]> sequences, int maxLength, int padToken) {
    int longest = sequences.stream().mapToInt(s -> s.length).max().orElseThrow();
    int length = Math.min(maxLength, rounded(longest));
    int count = sequences.stream().mapToInt(s -> s.length).sum();
    int[] tokens = new int[sequences.size() * length];
    Arrays.fill(tokens, Math.max(0, padToken));
    int[] labels = new int[tokens.length];
    Arrays.fill(labels, TrainingEngine.IGNORED);
    int row = 0;
    for (int[] sequence : sequences) {
      System.arraycopy(sequence, 0, tokens, row, sequence.length);
      System.arraycopy(sequence, 0, labels, row, sequence.length);
      row += length;
    }
    return new Batch(tokens, labels, sequences.size(), length, count, count - sequences.size());
  }

  /** Pads to the maximum length; the loss includes the padding. */
  static Batch learned(List<int[]> sequences, int maxLength, int padToken) {
    int[] tokens = new int[sequences.size() * maxLength];
    Arrays.fill(tokens, padToken);
    int row = 0;
    for (int[] sequence : sequences) {
      System.arraycopy(sequence, 0, tokens, row, sequence.length);
      row += maxLength;
    }
    return new Batch(
        tokens,
        tokens,
        sequences.size(),
        maxLength,
        tokens.length,
        tokens.length - sequences.size());
  }
}
