package io.github.ggml4j.format.tensorflow;

import io.github.ggml4j.tensor.DType;

/**
 * One variable of a checkpoint.
 *
 * @param name such as {@code model/h0/attn/c_attn/w}
 * @param dtype element type
 * @param shape row-major, outermost dimension first; empty for a scalar
 */
@SuppressWarnings("ArrayRecordComponent") // a shape is read far more often than compared
public record TensorFlowTensor(String name, DType dtype, long[] shape) {}
