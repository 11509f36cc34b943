package io.github.ggml4j.tensor.internal;

import io.github.ggml4j.bindings.ffi.ggml4j_params;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;

/**
 * The parameters of one kernel call, all optional, set in a chain. {@code native/src/ggml4j.h} says
 * which kernel reads which.
 */
public final class KernelParams {
  private KernelActivation activation = KernelActivation.NONE;
  private boolean bias;
  private boolean residual;
  private int heads;
  private int sequences;
  private int ignoreIndex = -100;
  private int site;
  private float eps;
  private float scale;
  private float dropout;
  private long offset;

  private KernelParams() {}

  /** No parameters. */
  public static KernelParams none() {
    return new KernelParams();
  }

  /** The activation function. */
  public KernelParams activation(KernelActivation value) {
    activation = value;
    return this;
  }

  /** The kernel has a bias among its sources. */
  public KernelParams bias(boolean value) {
    bias = value;
    return this;
  }

  /** The last source of the kernel is a residual. */
  public KernelParams residual(boolean value) {
    residual = value;
    return this;
  }

  /** Attention heads. */
  public KernelParams heads(int value) {
    heads = value;
    return this;
  }

  /** Sequences in the batch. */
  public KernelParams sequences(int value) {
    sequences = value;
    return this;
  }

  /** The label of ignored tokens. */
  public KernelParams ignoreIndex(int value) {
    ignoreIndex = value;
    return this;
  }

  /** Number of this dropout in the graph. */
  public KernelParams site(int value) {
    site = value;
    return this;
  }

  /** The epsilon of a normalisation. */
  public KernelParams eps(float value) {
    eps = value;
    return this;
  }

  /** The factor on attention scores. */
  public KernelParams scale(float value) {
    scale = value;
    return this;
  }

  /** The probability of dropping. */
  public KernelParams dropout(float value) {
    dropout = value;
    return this;
  }

  /** Index of the first parameter without weight decay. */
  public KernelParams offset(long value) {
    offset = value;
    return this;
  }

  /** Writes the C struct. */
  public MemorySegment allocate(SegmentAllocator allocator) {
    var p = ggml4j_params.allocate(allocator);
    p.fill((byte) 0);
    ggml4j_params.activation(p, activation.id());
    ggml4j_params.has_bias(p, bias ? 1 : 0);
    ggml4j_params.has_residual(p, residual ? 1 : 0);
    ggml4j_params.n_head(p, heads);
    ggml4j_params.n_seq(p, sequences);
    ggml4j_params.ignore_index(p, ignoreIndex);
    ggml4j_params.site(p, site);
    ggml4j_params.eps(p, eps);
    ggml4j_params.scale(p, scale);
    ggml4j_params.dropout(p, dropout);
    ggml4j_params.offset(p, offset);
    return p;
  }
}
