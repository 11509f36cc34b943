package io.github.ggml4j.nn;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.github.ggml4j.tensor.DType;
import io.github.ggml4j.tensor.Graph;
import io.github.ggml4j.tensor.Tensor;
import java.lang.foreign.Arena;
import org.jspecify.annotations.Nullable;

/**
 * A batch of whole sequences of equal length, one behind the other, each token seeing itself and
 * those before it; optionally with padding that nobody sees.
 */
public final class CausalBatch {
  private static final float MASKED = -1e9f;

  private final int batch;
  private final int length;
  private final @Nullable Tensor padding;
  private final @Nullable Tensor additive;

  /**
   * A batch for one graph.
   *
   * @param batch sequences
   * @param length tokens of each
   * @param padded whether {@link #attentionMask} will be given
   */
  public CausalBatch(Graph graph, int batch, int length, boolean padded) {
    if (batch < 1 || length < 1) {
      throw new IllegalArgumentException(
          "Batch of " + batch + " sequences of " + length + " tokens, expected at least 1 of 1");
    }
    this.batch = batch;
    this.length = length;
    boolean fused = graph.fused();
    this.padding = fused && padded ? graph.input(DType.I32, (long) batch * length) : null;
    this.additive = fused ? null : graph.input(DType.F32, padded ? batch : 1, 1, length, length);
  }

  /**
   * Says which tokens may be seen, before each computation; without padding it must be called once.
   *
   * @param mask {@code (batch, length)}, 1 for a token and 0 for padding; null when the batch was
   *     made without padding
   */
  public void attentionMask(int @Nullable [] mask) {
    if (mask != null && mask.length != batch * length) {
      throw new IllegalArgumentException(
          "attentionMask has " + mask.length + " entries, expected " + batch + " * " + length);
    }
    if (padding != null) {
      if (mask == null) {
        throw new IllegalArgumentException("attentionMask is missing");
      }
      padding.setInts(mask);
    }
    if (additive != null) {
      try (var arena = Arena.ofConfined()) {
        var values = arena.allocate(JAVA_FLOAT, additive.elements());
        long at = 0;
        for (int b = 0; b < additive.ne(3); b++) {
          for (int q = 0; q < length; q++) {
            for (int k = 0; k < length; k++) {
              boolean seen = k <= q && (mask == null || mask[b * length + k] != 0);
              values.setAtIndex(JAVA_FLOAT, at++, seen ? 0 : MASKED);
            }
          }
        }
        additive.set(values);
      }
    }
  }

  int batch() {
    return batch;
  }

  int length() {
    return length;
  }

  @Nullable Tensor padding() {
    return padding;
  }

  @Nullable Tensor additive() {
    return additive;
  }
}
