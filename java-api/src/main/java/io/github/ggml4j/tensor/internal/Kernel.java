package io.github.ggml4j.tensor.internal;

import io.github.ggml4j.bindings.ffi.Ggml;
import java.lang.foreign.MemorySegment;
import java.util.Locale;
import java.util.function.Supplier;

/** The kernels of libggml4j; {@code native/src/ggml4j.h} states the inputs and shapes of each. */
public enum Kernel {
  LINEAR(Ggml::ggml4j_op_linear_forward$address),
  LINEAR_DX(Ggml::ggml4j_op_linear_backward_dx$address),
  LINEAR_DW(Ggml::ggml4j_op_linear_backward_dw$address),
  EMBED(Ggml::ggml4j_op_embedding_forward$address),
  EMBED_BACK(Ggml::ggml4j_op_embedding_backward$address),
  LAYER_NORM(Ggml::ggml4j_op_layernorm_forward$address),
  LAYER_NORM_DX(Ggml::ggml4j_op_layernorm_backward_dx$address),
  LAYER_NORM_DW(Ggml::ggml4j_op_layernorm_backward_dw$address),
  ACT(Ggml::ggml4j_op_activation_forward$address),
  ACT_BACK(Ggml::ggml4j_op_activation_backward$address),
  DROPOUT(Ggml::ggml4j_op_dropout$address),
  ATTENTION(Ggml::ggml4j_op_attention_cached$address),
  ATTENTION_TRAIN(Ggml::ggml4j_op_attention_forward$address),
  ATTENTION_TRAIN_BACK(Ggml::ggml4j_op_attention_backward$address),
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
