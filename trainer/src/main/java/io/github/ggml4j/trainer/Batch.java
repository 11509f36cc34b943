package io.github.ggml4j.trainer;

import io.github.ggml4j.trainer.internal.engine.TrainingEngine;
import java.util.Arrays;
import java.util.List;

/**
 * Sequences of one micro-step, filled up on the right to the same length; (B, T) row-major.
 *
 * <p>There is no attention mask: under causal attention no token sees the padding behind it, so a
 * mask would change no loss and no gradient, only ask for a second graph of each shape.
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
record Batch(int[] tokens, int[] labels, int size, int length, int tokenCount, int labelCount) {

  /** Lengths are rounded up to a multiple of this, so that few shapes of graph are needed. */
  private static final int LENGTH_STEP = 16;

  private static int rounded(int length) {
    return (length + LENGTH_STEP - 1) / LENGTH_STEP * LENGTH_STEP;
  }

  /** The length of a batch whose longest sequence has so many tokens. */
  static int paddedLength(int longest, TrainingOptions options) {
    return options.padding() == Padding.LEARNED
        ? options.maxSequenceLength()
        : Math.min(options.maxSequenceLength(), rounded(longest));
  }

  /** Fills up with tokens that are neither attended to nor learned, as few as possible. */
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

  /** Fills up to the maximum length with tokens that are learned like all others. */
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
