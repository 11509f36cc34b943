package io.github.ggml4j.tensor.internal;

import io.github.ggml4j.bindings.ffi.Ggml;
import java.lang.foreign.MemorySegment;
import java.util.Locale;
import java.util.function.Supplier;

/**
 * The kernels of libggml4j, named as their C functions without {@code ggml4j_op_}; {@code
 * native/src/ggml4j.h} states the inputs and shapes of each.
 */
public enum Kernel {
  LINEAR_FORWARD(Ggml::ggml4j_op_linear_forward$address),
  LINEAR_BACKWARD_DX(Ggml::ggml4j_op_linear_backward_dx$address),
  LINEAR_BACKWARD_DW(Ggml::ggml4j_op_linear_backward_dw$address),
  EMBEDDING_FORWARD(Ggml::ggml4j_op_embedding_forward$address),
  EMBEDDING_BACKWARD(Ggml::ggml4j_op_embedding_backward$address),
  LAYERNORM_FORWARD(Ggml::ggml4j_op_layernorm_forward$address),
  LAYERNORM_BACKWARD_DX(Ggml::ggml4j_op_layernorm_backward_dx$address),
  LAYERNORM_BACKWARD_DW(Ggml::ggml4j_op_layernorm_backward_dw$address),
  ACTIVATION_FORWARD(Ggml::ggml4j_op_activation_forward$address),
  ACTIVATION_BACKWARD(Ggml::ggml4j_op_activation_backward$address),
  DROPOUT(Ggml::ggml4j_op_dropout$address),
  ATTENTION_CACHED(Ggml::ggml4j_op_attention_cached$address),
  ATTENTION_FORWARD(Ggml::ggml4j_op_attention_forward$address),
  ATTENTION_BACKWARD(Ggml::ggml4j_op_attention_backward$address),
  CROSS_ENTROPY(Ggml::ggml4j_op_cross_entropy$address),
  SUM_SQUARES(Ggml::ggml4j_op_sum_squares$address),
  ADAMW(Ggml::ggml4j_op_adamw$address),
  SGD(Ggml::ggml4j_op_sgd$address);

  private final Supplier<MemorySegment> address;

  Kernel(Supplier<MemorySegment> address) {
    this.address = address;
  }

  /** Name of the function that identifies this kernel in a GPU backend, if the backend has it. */
  public String symbolOn(String backend) {
    return "ggml4j_" + backend + "_" + name().toLowerCase(Locale.ROOT);
  }

  /** The C function; the natives must be loaded. */
  public MemorySegment address() {
    return address.get();
  }
}
