package io.github.ggml4j.tensor.internal;

import io.github.ggml4j.bindings.ffi.Ggml;

/** The activation functions that the kernels have, {@code GGML4J_ACT_*} in {@code ggml4j.h}. */
public enum KernelActivation {
  NONE(Ggml.GGML4J_ACT_NONE()),
  GELU_NEW(Ggml.GGML4J_ACT_GELU_NEW()),
  GELU(Ggml.GGML4J_ACT_GELU()),
  RELU(Ggml.GGML4J_ACT_RELU()),
  SILU(Ggml.GGML4J_ACT_SILU()),
  TANH(Ggml.GGML4J_ACT_TANH()),
  QUICK_GELU(Ggml.GGML4J_ACT_QUICK_GELU());

  private final int id;

  KernelActivation(int id) {
    this.id = id;
  }

  int id() {
    return id;
  }
}
